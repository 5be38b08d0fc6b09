# Copyright (c) OpenMMLab. All rights reserved.
"""From a wav file to a mono waveform at the rate the networks expect."""

import os
from fractions import Fraction
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor
from torchaudio.transforms import Resample

from .wav import read_wav

SAMPLE_RATE = 16_000
# torchaudio keeps a filter per output phase; an odd rate such as 44,101 Hz
# would need gigabytes of them.
_MAX_TERM = 4_000
_LARGE = 1_000_000  # product of the terms; such filters are not kept
_SMALL, _FEW = 64, 32  # samples
_NOTHING = 1e-6  # -120 dB; a bit of 16 is 3e-5
_FILTER = dict(
    lowpass_filter_width=64, rolloff=0.9475937167399596,
    resampling_method='sinc_interp_kaiser', beta=14.769656459379492)


def resample(waveform: Tensor, orig_rate: int, new_rate: int) -> Tensor:
    """Change the rate of a waveform, close to resampy's ``kaiser_best``.

    The official front end uses resampy; with these settings of torchaudio
    the log-mel of a 44.1 kHz recording differs by 0.006 on average.

    Args:
        waveform (Tensor): (..., samples) at ``orig_rate``.
        orig_rate (int): In Hz.
        new_rate (int): In Hz. A ratio with huge terms (44,101 to 16,000)
            is rounded to a simpler one, by less than 3e-4.

    Returns:
        Tensor: (..., samples) at ``new_rate``.
    """
    if orig_rate == new_rate:
        return waveform
    ratio = Fraction(new_rate, orig_rate)
    if ratio.numerator * ratio.denominator > _MAX_TERM**2:
        ratio = ratio.limit_denominator(_MAX_TERM)
    old, new = ratio.denominator, ratio.numerator
    if old == new:  # to within that rounding
        return waveform
    make = _filters if old * new > _LARGE else _cached_filters
    stride, margin, size, parts = make(
        old, new, waveform.dtype, waveform.device)
    samples = waveform.shape[-1]
    steps = (samples + 2 * margin + stride - size) // stride + 1
    # what the last step's filters reach over, in whole strides
    total = (steps - (-size // stride) - 1) * stride
    sound = F.pad(waveform, (margin, total - margin - samples))

    def windows(first: int, taps: int) -> Tensor:  # (..., steps, taps)
        return sound[..., first:].unfold(-1, taps, stride)[..., :steps, :]

    out = [sum(windows(first, len(filters)) @ filters
               for first, filters in part)
           for part in parts]  # (..., steps, new samples)
    length = -(-new * samples // old)
    return torch.cat(out, dim=-1).flatten(-2)[..., :length]


def mix_down(channels: Tensor) -> Tensor:
    """The mean of (C, samples) over the channels, (samples,)."""
    if len(channels) == 2:  # many times faster than mean(dim=0)
        return (channels[0] + channels[1]).mul_(0.5)
    return channels.mean(dim=0)


def _filters(old: int, new: int, dtype: torch.dtype, device: torch.device
             ) -> tuple[int, int, int, list[list[tuple[int, Tensor]]]]:
    """The filters of torchaudio's resampling, as a few matrices.

    Returns:
        tuple: The samples from a step to the next; the margin before the
        sound; what the filters of a step reach over; and for each few of a
        step's new samples the matrices that make them: from which of its
        samples on, and (samples, new samples), no longer than a step, so
        that BLAS reads the sound in place. There are nearly no zeros in
        them, as the filters of neighbours begin and end close to each other.
    """
    kernel = Resample(old, new, dtype=dtype, **_FILTER).kernel[:, 0].t()
    margin = (len(kernel) - old) // 2
    times = -(-_SMALL // old)  # matrices of some size for small ratios too
    stride, size = times * old, len(kernel) + (times - 1) * old
    filters = kernel.new_zeros(size, times * new)
    for index in range(times):
        filters[index * old:index * old + len(kernel),
                index * new:(index + 1) * new] = kernel
    parts = []
    for part in filters.to(device).split(_FEW, dim=1):
        used = (part.abs().amax(dim=1) > _NOTHING).nonzero()
        first, last = int(used[0]), int(used[-1]) + 1
        parts.append([
            (start, part[start:min(last, start + stride)].contiguous())
            for start in range(first, last, stride)])
    return stride, margin, size, parts


_cached_filters = lru_cache(maxsize=8)(_filters)


def read_waveform(path: str | os.PathLike, sample_rate: int = SAMPLE_RATE, *,
                  max_seconds: float | None = None) -> Tensor:
    """Read a wav file of any rate and number of channels as mono.

    Args:
        path (str | PathLike): A wav file: PCM of 8, 16, 24 or 32 bits or
            float.
        sample_rate (int): Rate of the result in Hz. Defaults to 16000.
        max_seconds (float, optional): Return no more than this from the
            start. Defaults to None.

    Returns:
        Tensor: (samples,) float32, the mean of the channels.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no such wav file, is cut short, or holds
            samples that are not finite.
    """
    # A little more than asked for, so that the resampling filter does not
    # see an end where there is none.
    limit = None if max_seconds is None else max_seconds + 0.1
    samples, rate = read_wav(path, max_seconds=limit)
    mono = mix_down(torch.from_numpy(samples))
    waveform = resample(mono, rate, sample_rate)
    if max_seconds is not None:
        waveform = waveform[:round(max_seconds * sample_rate)]
    return waveform


def noise_at_snr(waveform: Tensor, noise: Tensor, snr_db: float) -> Tensor:
    """Add noise with a given signal-to-noise ratio over the whole sound.

    Args:
        waveform (Tensor): (samples,).
        noise (Tensor): (samples,), of any level.
        snr_db (float): Ratio of the powers in decibels.

    Returns:
        Tensor: (samples,); silence stays silence, as no noise has a finite
        ratio to it.
    """
    power = waveform.square().mean()
    noise_power = noise.square().mean().clamp_min(1e-20)
    scale = (power / noise_power * 10**(-snr_db / 10)).sqrt()
    return waveform + scale * noise
