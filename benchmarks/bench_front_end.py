# Copyright (c) OpenMMLab. All rights reserved.
"""Sound to log-mel."""

import importlib.util

import numpy as np
import plain
import torch
from common import Row, race

from mmavs.audio import log_mel_spectrogram, mix_down, resample
from mmavs.models import AVSDataPreprocessor

NAME = 'front end, 5 s of 44.1 kHz stereo to log-mel'


def run(quick: bool) -> list[Row]:
    rng = np.random.default_rng(0)
    stereo = rng.normal(0, 0.1, (2, 5 * 44100)).astype(np.float32)
    sound = torch.from_numpy(stereo)

    def ours() -> torch.Tensor:
        return log_mel_spectrogram(
            resample(mix_down(sound), 44100, 16000), num_seconds=5)

    rows = []
    if importlib.util.find_spec('resampy') is None:
        rows.append(Row(NAME, 'ms', None, None, 30,
                        note='pip install resampy'))
    else:
        error = np.abs(plain.log_mel(stereo, 44100)[:480]
                       - ours().numpy().reshape(480, 64)).mean()
        rows.append(race(
            NAME, lambda: plain.log_mel(stereo, 44100), ours, target=30,
            repeats=9, note='plain: resampy kaiser_best and NumPy; mean '
            f'difference {error:.2g}'))
    return rows + [_batched(8 if quick else 32)]


def _batched(clips: int) -> Row:
    waveforms = torch.randn(clips, 5, 16000) / 10
    frames = [torch.zeros(5, 3, 1, 1, dtype=torch.uint8)] * clips
    preprocessor = AVSDataPreprocessor(log_mel=dict())

    def one_by_one() -> None:
        for waveform in waveforms:
            log_mel_spectrogram(waveform.flatten(), num_seconds=5)

    def batched() -> None:
        preprocessor(dict(inputs=dict(
            frames=frames, waveform=list(waveforms))))

    return race(f'log-mel of {clips} clips in the preprocessor', one_by_one,
                batched, note='plain: clip by clip; meant for GPUs')
