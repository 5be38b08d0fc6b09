# Copyright (c) OpenMMLab. All rights reserved.
"""The sound of a clip in one picture, and how much was marked when."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image

from mmavs.audio import SAMPLE_RATE, log_mel_frames

from .palette import PREDICTION, energy_colours
from .sound_strip import SILENCE, draw_waveform
from .text import INK, PAPER, draw_text, text_width

_MARGIN = 96
_GAP = 6
_DIM = (170, 170, 180)
_LANE = (18, 18, 24)
# Log-mel painted brightest at least: a faint noise floor stays dark.
_LOUD = 1.0


def sound_timeline(waveform: np.ndarray, shares: Sequence[float], *,
                   width: int = 960, height: int = 240) -> np.ndarray:
    """Draw spectrogram, waveform and marked share over one axis of time.

    Args:
        waveform (np.ndarray): (samples,) mono at 16 kHz, of the whole clip.
        shares (Sequence[float]): Share of the picture that is marked, 0..1,
            evenly spaced over the clip.
        width (int): Of the picture in pixels. Defaults to 960.
        height (int): Of the picture in pixels. Defaults to 240.

    Returns:
        np.ndarray: (height, width, 3) uint8 RGB.

    Raises:
        ValueError: If there is no sound or no share.
    """
    if not len(waveform) or not len(shares):
        raise ValueError('a timeline needs sound and shares, got '
                         f'{len(waveform)} samples and {len(shares)} shares')
    waveform = np.asarray(waveform, np.float32)
    seconds = len(waveform) / SAMPLE_RATE
    axis = 20
    room = height - axis - 3 * _GAP
    lanes = [round(0.48 * room), round(0.22 * room)]
    lanes.append(room - sum(lanes))
    inner = width - _MARGIN - _GAP
    peak = max(0.05, float(np.abs(waveform).max()))
    pictures = [
        draw_spectrogram(waveform, (lanes[0], inner)),
        draw_waveform(waveform, (lanes[1], inner), peak),
        draw_shares(shares, (lanes[2], inner))]
    out = np.full((height, width, 3), PAPER, dtype=np.uint8)
    top = _GAP
    for label, picture in zip(('log-mel', 'waveform', 'marked'), pictures):
        bottom = top + len(picture)
        out[top:bottom, _MARGIN:_MARGIN + inner] = picture
        draw_text(out, label, (_GAP + 2, (top + bottom) // 2 - 9), size=14,
                  colour=INK)
        top = bottom + _GAP
    highest = f'{100 * max(shares):.0f} %'
    draw_text(out, highest, (_MARGIN - text_width(highest, 11) - 6,
                             height - axis - _GAP - lanes[2]), size=11,
              colour=_DIM)
    for second in _ticks(seconds):
        label = f'{second:g} s'
        left = _MARGIN + round(second / seconds * inner)
        draw_text(out, label, (min(left, width - text_width(label, 12) - 4),
                               height - axis), size=12, colour=_DIM)
    return out


def draw_spectrogram(waveform: np.ndarray,
                     size: tuple[int, int]) -> np.ndarray:
    """The log-mel of a whole clip, low pitch at the bottom.

    Args:
        waveform (np.ndarray): (samples,) mono at 16 kHz.
        size (tuple[int, int]): Height and width of the picture.

    Returns:
        np.ndarray: (height, width, 3) uint8 RGB; silence is dark.
    """
    bands = log_mel_frames(torch.from_numpy(waveform)).numpy()  # (F, 64)
    if not len(bands):
        return np.full((*size, 3), _LANE, dtype=np.uint8)
    high = max(float(bands.max()), _LOUD)
    picture = energy_colours((bands.T[::-1] - SILENCE) / (high - SILENCE))
    return np.asarray(Image.fromarray(picture).resize(
        (size[1], size[0]), Image.Resampling.BILINEAR))


def draw_shares(shares: Sequence[float],
                size: tuple[int, int]) -> np.ndarray:
    """Steps, one for each share; the highest one fills the height."""
    height, width = size
    out = np.full((height, width, 3), _LANE, dtype=np.uint8)
    edges = np.linspace(0, width, len(shares) + 1).round().astype(int)
    top = max(max(shares), 1e-9)
    for share, left, right in zip(shares, edges, edges[1:]):
        filled = round(share / top * (height - 2))
        out[height - filled:, left:right] = PREDICTION
    return out


def _ticks(seconds: float) -> list[float]:
    """About ten round times from 0 to the end."""
    step = next(s for s in (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800,
                            3600, float('inf')) if seconds / s <= 10)
    return [step * i for i in range(int(seconds // step) + 1)] if (
        step < float('inf')) else [0]
