# Copyright (c) OpenMMLab. All rights reserved.
"""Sound as tensors: reading and the log-mel front end, no registry."""

from .log_mel import (
    log_mel_frames,
    log_mel_spectrogram,
    mel_matrix,
    silent_value,
)
from .wav import WavInfo, read_wav, read_wav_info
from .waveform import (
    SAMPLE_RATE,
    mix_down,
    noise_at_snr,
    read_waveform,
    resample,
)

__all__ = [
    'SAMPLE_RATE', 'WavInfo', 'log_mel_frames', 'log_mel_spectrogram',
    'mel_matrix', 'mix_down', 'noise_at_snr', 'read_wav', 'read_wav_info',
    'read_waveform', 'resample', 'silent_value'
]
