# Copyright (c) OpenMMLab. All rights reserved.
"""Stretches of sound for the network, from a stream."""

import math
from collections.abc import Iterable

import numpy as np
import torch

from mmavs.audio import SAMPLE_RATE, resample


class SoundWindow:
    """Hand out stretches of a stream of sound as 16 kHz mono.

    Only the surroundings of the last stretch are kept. A stretch is
    resampled with a second of sound around it, so that its borders are those
    of the whole recording.

    Args:
        blocks (Iterable[np.ndarray]): (n, channels) float, in order.
        sample_rate (int): Of the blocks, in Hz.
        begin (float): Time of the first sample in seconds. Defaults to 0.
        target_rate (int): Defaults to 16000.
    """

    def __init__(self, blocks: Iterable[np.ndarray], sample_rate: int, *,
                 begin: float = 0.,
                 target_rate: int = SAMPLE_RATE) -> None:
        self._blocks = iter(blocks)
        self._rate = sample_rate
        self._target = target_rate
        self._kept = np.zeros(0, np.float32)
        # Position of the first kept sample.
        self._start = round(begin * sample_rate)
        self._ended = False

    def between(self, start: float, stop: float) -> np.ndarray:
        """The sound from ``start`` to ``stop``.

        Args:
            start (float): In seconds; may be before the sound begins
                (silence), and at most two seconds before the last call's.
            stop (float): In seconds.

        Returns:
            np.ndarray: (samples,) float32, shorter if the sound ends
            earlier, all silence if it ends before ``start``.
        """
        first = math.floor(start) - 1
        low = first * self._rate
        high = (math.ceil(stop) + 1) * self._rate
        keep = low - 2 * self._rate
        self._fetch(keep, high)
        self._forget(keep)
        samples = self._cut(low, high)
        end = self._start + len(self._kept)
        full = round((stop - start) * self._target)
        if self._ended and end <= start * self._rate:
            return np.zeros(full, np.float32)
        sound = resample(torch.from_numpy(samples), self._rate,
                         self._target).numpy()
        skip = round((start - first) * self._target)
        if self._ended:
            full = min(full, max(1, round(
                (end / self._rate - start) * self._target)))
        return np.ascontiguousarray(sound[skip:skip + full])

    def _fetch(self, keep: int, position: int) -> None:
        parts, have = [self._kept], self._start + len(self._kept)
        while have < position and not self._ended:
            block = next(self._blocks, None)
            if block is None:
                self._ended = True
                continue
            have += len(block)
            if have <= keep:  # the first stretch may begin late
                parts, self._start = [parts[0][:0]], have
            else:
                parts.append(np.asarray(block, np.float32).mean(axis=1))
        self._kept = np.concatenate(parts) if len(parts) > 1 else parts[0]

    def _forget(self, position: int) -> None:
        drop = min(max(0, position - self._start), len(self._kept))
        self._kept = self._kept[drop:].copy()
        self._start += drop

    def _cut(self, low: int, high: int) -> np.ndarray:
        """Samples low..high; before the sound begins there is silence."""
        before = min(max(0, self._start - low), high - low)
        part = self._kept[max(0, low - self._start):
                          max(0, high - self._start)]
        return np.concatenate([np.zeros(before, np.float32), part])
