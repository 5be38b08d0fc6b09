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
from .loading import LoadClipFrames, LoadClipMasks
from .photometric import ClipPhotometricJitter

__all__ = [
    'AVSSCrop', 'ClipPhotometricJitter', 'ClipTransform', 'LoadClipAudio',
    'LoadClipFrames', 'LoadClipMasks', 'LogMelSpectrogram', 'PackAVSInputs',
    'RandomClipFlip', 'RandomGain', 'RandomNoise', 'RandomTimeShift',
    'ResizeFrames', 'ResizeMasks'
]
