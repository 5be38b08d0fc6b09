# Copyright (c) OpenMMLab. All rights reserved.
from .audio import (
    LogMelSpectrogram,
    RandomGain,
    RandomNoise,
    RandomTimeShift,
)
from .base import ClipTransform
from .formatting import PackAVSInputs
from .geometry import AVSSCrop, RandomClipFlip, ResizeFrames, ResizeMasks
from .load_audio import LoadClipAudio
from .load_embedding import LoadAudioEmbedding
from .loading import LoadClipFrames, LoadClipMasks
from .photometric import ClipPhotometricJitter
from .zoom import RandomClipZoom

__all__ = [
    'AVSSCrop', 'ClipPhotometricJitter', 'ClipTransform',
    'LoadAudioEmbedding', 'LoadClipAudio', 'LoadClipFrames', 'LoadClipMasks',
    'LogMelSpectrogram', 'PackAVSInputs', 'RandomClipFlip', 'RandomClipZoom',
    'RandomGain', 'RandomNoise', 'RandomTimeShift', 'ResizeFrames',
    'ResizeMasks'
]
