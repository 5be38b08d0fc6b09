# Copyright (c) OpenMMLab. All rights reserved.
"""Pictures of sound that line up with the frames above them."""

import numpy as np
from PIL import Image

from .palette import energy_colours

SILENCE = np.log(0.01)  # log-mel of silence in the VGGish front end
_BACKGROUND = (18, 18, 24)
_WAVE = (120, 190, 255)


def log_mel_range(log_mel: np.ndarray) -> tuple[float, float]:
    """Values painted darkest and brightest for a clip.

    Silence is always darkest, so that two clips look alike where they sound
    alike; a clip without sound is dark all over.
    """
    low = min(SILENCE, float(np.min(log_mel, initial=SILENCE)))
    high = max(float(np.max(log_mel, initial=low)), low + 4)
    return low, high


def draw_log_mel(tokens: np.ndarray, size: tuple[int, int],
                 value_range: tuple[float, float]) -> np.ndarray:
    """One second's log-mel, low pitch at the bottom.

    N tokens of a second are windows of 96 frames that start 96/N frames
    apart, so the first 96/N frames of each make up the second.

    Args:
        tokens (np.ndarray): (N, 1, 96, 64), N audio tokens of the second.
        size (tuple[int, int]): Height and width of the picture.
        value_range (tuple[float, float]): See :func:`log_mel_range`.

    Returns:
        np.ndarray: (height, width, 3) uint8 RGB.

    Raises:
        ValueError: If ``tokens`` has another number of axes.
    """
    if tokens.ndim != 4:
        raise ValueError('the log-mel of one second is (N, 1, 96, 64), got '
                         f'{tokens.shape}')
    hop = -(-tokens.shape[2] // len(tokens))
    picture = tokens[:, 0, :hop].reshape(-1, tokens.shape[-1])  # (96, 64)
    low, high = value_range
    picture = (picture.T[::-1] - low) / (high - low)
    return np.asarray(Image.fromarray(energy_colours(picture)).resize(
        (size[1], size[0]), Image.Resampling.BILINEAR))


def draw_waveform(samples: np.ndarray, size: tuple[int, int],
                  peak: float) -> np.ndarray:
    """A stretch of sound as its envelope.

    Args:
        samples (np.ndarray): (n,) mono samples; may be empty.
        size (tuple[int, int]): Height and width of the picture.
        peak (float): Amplitude that reaches the border.

    Returns:
        np.ndarray: (height, width, 3) uint8 RGB.
    """
    height, width = size
    out = np.full((height, width, 3), _BACKGROUND, dtype=np.uint8)
    middle = (height - 1) / 2
    edges = np.linspace(0, len(samples), width + 1).astype(int)
    for column in range(width):
        part = samples[edges[column]:max(edges[column + 1],
                                         edges[column] + 1)]
        low, high = (part.min(), part.max()) if len(part) else (0., 0.)
        scale = middle / max(peak, 1e-6)
        top = int(round(middle - np.clip(high * scale, -middle, middle)))
        bottom = int(round(middle - np.clip(low * scale, -middle, middle)))
        out[top:bottom + 1, column] = _WAVE
    return out


def column_samples(waveform: np.ndarray, sample_rate: int, index: int,
                   seconds: float) -> np.ndarray:
    """The samples under column ``index`` of ``seconds`` each."""
    start = int(round(index * seconds * sample_rate))
    stop = int(round((index + 1) * seconds * sample_rate))
    part = waveform[start:stop]
    # A clip that ends within the second keeps its place in time.
    return np.pad(part, (0, max(0, stop - start - len(part))))
