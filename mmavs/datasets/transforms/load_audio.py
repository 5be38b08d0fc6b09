# Copyright (c) OpenMMLab. All rights reserved.
"""From the paths of a clip to its sound."""

import hashlib

import numpy as np
import torch
from mmengine.logging import print_log

from mmavs.audio import (
    SAMPLE_RATE,
    noise_at_snr,
    read_wav_info,
    read_waveform,
    silent_value,
)
from mmavs.datasets.audio_mode import parse_audio_mode
from mmavs.datasets.errors import ClipError
from mmavs.io.tensor_pickle import load_tensor_pickle
from mmavs.registry import TRANSFORMS

from .base import ClipTransform

_EXAMPLE = (1, 96, 64)
# Seconds by which a sound may be shorter or longer than its clip unreported.
LENGTH_TOLERANCE = 0.5


@TRANSFORMS.register_module()
class LoadClipAudio(ClipTransform):
    """Read the sound of a clip: its wav file, or its pickled log-mel.

    Required Keys:

    - clip_id
    - num_seconds (T)
    - audio_path or log_mel_path
    - audio_mode (optional): 'true', 'silence' or 'noise:SNR'; the noise of
      a clip is always the same

    Added Keys:

    - waveform: (samples,) float32 mono, at most T seconds, and sample_rate
    - or log_mel: (T, 1, 1, 96, 64) float32, from a pickle
    - audio_problem (only where there is one): str, that the sound is missing
      or has another length than the clip by more than half a second. Sound
      after T seconds is never used; what a short one is filled up with is
      for ``LogMelSpectrogram(pad=...)`` to say

    Args:
        sample_rate (int): Rate of the waveform in Hz. Defaults to 16000.
        on_missing (str): 'raise', or 'silence' for clips without a file.
            Defaults to 'raise'.
        log_offset (float): What the pickles were made with; only for
            silence. Defaults to 0.01.
    """

    def __init__(self, *, sample_rate: int = SAMPLE_RATE,
                 on_missing: str = 'raise',
                 log_offset: float = 0.01) -> None:
        if on_missing not in ('raise', 'silence'):
            raise ValueError("on_missing must be 'raise' or 'silence', got "
                             f'{on_missing!r}')
        self.sample_rate = sample_rate
        self.on_missing = on_missing
        self.log_offset = log_offset

    def transform(self, results: dict) -> dict:
        """Read the sound; see the class.

        Raises:
            ClipError: If the file is missing, broken, empty or has another
                shape.
        """
        kind, snr = parse_audio_mode(results.get('audio_mode', 'true'))
        if 'log_mel_path' in results:
            if kind == 'noise':
                raise ValueError('audio_mode="noise:SNR" adds noise to the '
                                 'waveform; it needs audio_type="wav"')
            results['log_mel'] = self._log_mel(results, kind == 'silence')
            return results
        waveform = self._waveform(results, kind == 'silence')
        if kind == 'noise':
            noise = _noise_of(results['clip_id'], len(waveform))
            waveform = noise_at_snr(torch.from_numpy(waveform), noise,
                                    snr).numpy()
        results['waveform'] = waveform
        results['sample_rate'] = self.sample_rate
        return results

    def _waveform(self, results: dict, silent: bool) -> np.ndarray:
        seconds = results['num_seconds']
        silence = np.zeros(seconds * self.sample_rate, np.float32)
        if silent:
            return silence
        path = self.need(results, 'audio_path', 'a data set with sound')
        try:
            waveform = read_waveform(path, self.sample_rate,
                                     max_seconds=seconds)
        except (OSError, ValueError) as error:
            self._missing(results, path, error)
            return silence
        if not len(waveform):
            raise ClipError(results['clip_id'], path, 'holds no sound')
        length = read_wav_info(path).duration
        if abs(length - seconds) > LENGTH_TOLERANCE:
            results['audio_problem'] = (
                f'is {length:.2f} s long, the clip {seconds} s')
        return waveform.numpy()

    def _log_mel(self, results: dict, silent: bool) -> np.ndarray:
        seconds = results['num_seconds']
        silence = np.full((seconds, 1, *_EXAMPLE),
                          silent_value(self.log_offset), np.float32)
        if silent:
            return silence
        path = results['log_mel_path']
        try:
            log_mel = load_tensor_pickle(path).float()
        except (OSError, ValueError) as error:
            self._missing(results, path, error)
            return silence
        if log_mel.shape != (seconds, *_EXAMPLE):
            raise ClipError(
                results['clip_id'], path, f'has the shape '
                f'{tuple(log_mel.shape)} where {(seconds, *_EXAMPLE)} is '
                'needed; make it anew or set audio_type="wav"')
        if not torch.isfinite(log_mel).all():
            raise ClipError(results['clip_id'], path,
                            'holds values that are not finite')
        return log_mel.unsqueeze(1).numpy()  # (T, 1, 1, 96, 64)

    def _missing(self, results: dict, path: str, error: Exception) -> None:
        """Raise, unless the file is just not there and silence will do."""
        if not isinstance(error, FileNotFoundError):
            problem = str(error).removeprefix(f'{path}: ')
            raise ClipError(results['clip_id'], path, problem) from error
        if self.on_missing == 'raise':
            raise ClipError(
                results['clip_id'], path, 'is missing; get the file, or use '
                'LoadClipAudio(on_missing="silence")') from error
        print_log(f'{path} is missing; clip {results["clip_id"]!r} is '
                  'silent', 'current', 30)
        results['audio_problem'] = 'is missing; the clip is silent'


def _noise_of(clip_id: str, length: int) -> torch.Tensor:
    digest = hashlib.sha256(clip_id.encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], 'little'))
    return torch.from_numpy(rng.standard_normal(length, dtype=np.float32))
