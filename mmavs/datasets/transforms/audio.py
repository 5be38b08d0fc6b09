# Copyright (c) OpenMMLab. All rights reserved.
"""Changes of the waveform, and the log-mel spectrogram."""

from abc import abstractmethod

import numpy as np
import torch

from mmavs.audio import SAMPLE_RATE, log_mel_spectrogram, noise_at_snr
from mmavs.audio.log_mel import EXAMPLE_FRAMES, FRAMINGS, PADS
from mmavs.registry import TRANSFORMS

from .base import ClipTransform, check_probability


@TRANSFORMS.register_module()
class LogMelSpectrogram(ClipTransform):
    """Cut the log-mel spectrogram of the clip into examples.

    See :func:`mmavs.audio.log_mel_spectrogram`. A log-mel that was read from
    a pickle stays as it is.

    Required Keys:

    - waveform, sample_rate and num_seconds (T), or log_mel

    Added Keys:

    - log_mel: (T, N, 1, 96, 64) float32

    Args:
        framing (str): 'clip': examples every 0.96 s, as AVSBench's data
            were made; 'second': each second on its own. Defaults to
            'clip'.
        tokens_per_second (int): N, a divisor of 96. Defaults to 1.
        pad (str): What follows a sound that is too short for framing
            'clip': 'repeat' (S4, MS3), 'zero' (AVSS) or 'silence'.
            Defaults to 'repeat'.
        log_offset (float): 0.01 for VGGish, 0.001 for YAMNet. Defaults to
            0.01.
    """

    def __init__(self, *, framing: str = 'clip', tokens_per_second: int = 1,
                 pad: str = 'repeat', log_offset: float = 0.01) -> None:
        if framing not in FRAMINGS or pad not in PADS:
            raise ValueError(f'framing must be one of {FRAMINGS} and pad one '
                             f'of {PADS}, got {framing!r} and {pad!r}')
        if tokens_per_second < 1 or EXAMPLE_FRAMES % tokens_per_second:
            raise ValueError('tokens_per_second must divide 96, got '
                             f'{tokens_per_second}')
        if log_offset <= 0:
            raise ValueError(f'log_offset must be positive, got {log_offset}')
        self.framing = framing
        self.tokens_per_second = tokens_per_second
        self.pad = pad
        self.log_offset = log_offset

    def transform(self, results: dict) -> dict:
        """Compute the log-mel; see the class."""
        if 'log_mel' in results and 'waveform' not in results:
            return self._check_pickled(results)
        waveform = self.need(results, 'waveform', 'LoadClipAudio')
        if results['sample_rate'] != SAMPLE_RATE:
            raise ValueError(
                f'LogMelSpectrogram needs {SAMPLE_RATE} Hz, got '
                f'{results["sample_rate"]}; set LoadClipAudio(sample_rate='
                f'{SAMPLE_RATE})')
        results['log_mel'] = log_mel_spectrogram(
            torch.from_numpy(waveform), num_seconds=results['num_seconds'],
            framing=self.framing, tokens_per_second=self.tokens_per_second,
            pad=self.pad, log_offset=self.log_offset).numpy()
        return results

    def _check_pickled(self, results: dict) -> dict:
        if self.tokens_per_second != results['log_mel'].shape[1]:
            raise ValueError(
                'pickled log-mels have one example per second; for '
                f'tokens_per_second={self.tokens_per_second} set the data '
                'set\'s audio_type="wav"')
        return results


class _RandomWaveform(ClipTransform):
    """A random change of the waveform.

    Required Keys: waveform. Modified Keys: waveform.
    """

    def __init__(self, prob: float) -> None:
        self.prob = check_probability(prob)

    def transform(self, results: dict) -> dict:
        """Change the waveform or not; see the class."""
        waveform = self.need(results, 'waveform', 'LoadClipAudio')
        rng = self.rng(results)
        if rng.random() < self.prob:
            results['waveform'] = self.change(waveform, results, rng)
        return results

    @abstractmethod
    def change(self, waveform: np.ndarray, results: dict,
               rng: np.random.Generator) -> np.ndarray:
        """Return the changed waveform, of the same length and dtype."""


@TRANSFORMS.register_module()
class RandomGain(_RandomWaveform):
    """Make the sound of a clip louder or softer.

    Args:
        gain_db (tuple[float, float]): Range of the gain in decibels.
            Defaults to (-6, 6).
        prob (float): Probability of a change. Defaults to 1.0.
    """

    def __init__(self, *, gain_db: tuple[float, float] = (-6.0, 6.0),
                 prob: float = 1.0) -> None:
        super().__init__(prob)
        self.gain_db = _check_range('gain_db', gain_db)

    def change(self, waveform: np.ndarray, results: dict,
               rng: np.random.Generator) -> np.ndarray:
        """Multiply by the gain."""
        return waveform * np.float32(10**(rng.uniform(*self.gain_db) / 20))


@TRANSFORMS.register_module()
class RandomNoise(_RandomWaveform):
    """Add white noise to the sound of a clip; silent clips stay silent.

    Args:
        snr_db (tuple[float, float]): Range of the signal-to-noise ratio
            over the clip, in decibels. Defaults to (10, 40).
        prob (float): Probability of a change. Defaults to 0.5.
    """

    def __init__(self, *, snr_db: tuple[float, float] = (10.0, 40.0),
                 prob: float = 0.5) -> None:
        super().__init__(prob)
        self.snr_db = _check_range('snr_db', snr_db)

    def change(self, waveform: np.ndarray, results: dict,
               rng: np.random.Generator) -> np.ndarray:
        """Add the noise."""
        snr = rng.uniform(*self.snr_db)
        noise = rng.standard_normal(len(waveform), dtype=np.float32)
        return noise_at_snr(torch.from_numpy(waveform),
                            torch.from_numpy(noise), snr).numpy()


@TRANSFORMS.register_module()
class RandomTimeShift(_RandomWaveform):
    """Rotate each second of the sound within itself.

    What leaves a second at one end comes back at its other end, so that no
    sound is heard in a second it does not belong to. All seconds of a clip
    are rotated by the same time.

    Args:
        max_shift (float): Largest shift in seconds, either way, at most
            0.5. Defaults to 0.2.
        prob (float): Probability of a change. Defaults to 0.5.
    """

    def __init__(self, *, max_shift: float = 0.2, prob: float = 0.5) -> None:
        super().__init__(prob)
        if not 0 <= max_shift <= 0.5:
            raise ValueError('max_shift must be 0 to 0.5 seconds, got '
                             f'{max_shift}')
        self.max_shift = max_shift

    def change(self, waveform: np.ndarray, results: dict,
               rng: np.random.Generator) -> np.ndarray:
        """Rotate every second."""
        rate = results['sample_rate']
        shift = round(rng.uniform(-self.max_shift, self.max_shift) * rate)
        seconds = [np.roll(waveform[start:start + rate], shift)
                   for start in range(0, len(waveform), rate)]
        return np.concatenate(seconds) if seconds else waveform


def _check_range(name: str, values: tuple[float, float]
                 ) -> tuple[float, float]:
    low, high = values
    if not low <= high:
        raise ValueError(f'{name} must be (low, high), got {values}')
    return low, high
