# Copyright (c) OpenMMLab. All rights reserved.
"""Procedural background textures."""

import colorsys

import numpy as np
from numpy.random import Generator
from PIL import Image


def hsv(hue: float, saturation: float, value: float) -> np.ndarray:
    """A colour (3,) in 0..1 from hue, saturation and value in 0..1."""
    return np.array(colorsys.hsv_to_rgb(hue % 1, saturation, value))


def _grid(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[:height, :width]
    return x / height, y / height


def _clouds(rng: Generator, height: int, width: int) -> np.ndarray:
    """Smooth noise of three octaves."""
    total = np.zeros((height, width))
    for octave, weight in ((3, 1.), (7, 0.5), (17, 0.3)):
        noise = rng.random((octave, octave)).astype(np.float32)
        image = Image.fromarray(noise).resize(
            (width, height), Image.Resampling.BICUBIC)
        total += weight * np.asarray(image)
    return (total / 1.8).clip(0, 1)


def _stripes(rng: Generator, height: int, width: int) -> np.ndarray:
    x, y = _grid(height, width)
    angle = rng.uniform(0, np.pi)
    along = x * np.cos(angle) + y * np.sin(angle)
    return 0.5 + 0.5 * np.sin(2 * np.pi * rng.uniform(3, 9) * along)


def _checks(rng: Generator, height: int, width: int) -> np.ndarray:
    x, y = _grid(height, width)
    count = rng.uniform(4, 9)
    return ((np.floor(x * count) + np.floor(y * count)) % 2) * 0.8 + 0.1


def _cells(rng: Generator, height: int, width: int) -> np.ndarray:
    """Each pixel takes the shade of the nearest of some random points."""
    x, y = _grid(height, width)
    points, shades = rng.random((14, 2)), rng.random(14)
    far = ((x[..., None] - points[:, 0] * width / height) ** 2
           + (y[..., None] - points[:, 1]) ** 2)
    return shades[far.argmin(axis=-1)]


def _slope(rng: Generator, height: int, width: int) -> np.ndarray:
    x, y = _grid(height, width)
    angle = rng.uniform(0, 2 * np.pi)
    along = (x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle)
    return (0.5 + 0.7 * along).clip(0, 1)


PATTERNS = (_clouds, _stripes, _checks, _cells, _slope)


def make_background(rng: Generator, height: int, width: int) -> np.ndarray:
    """A textured background in two muted colours.

    Args:
        rng (Generator): Source of pattern and colours.
        height (int): Height in pixels.
        width (int): Width in pixels.

    Returns:
        np.ndarray: Float64 RGB in 0..1, (height, width, 3).
    """
    pattern = PATTERNS[rng.integers(len(PATTERNS))](rng, height, width)
    mix = 0.8 * pattern + 0.2 * _clouds(rng, height, width)
    first, second = (
        hsv(rng.random(), rng.uniform(0, 0.35), rng.uniform(0.15, 0.85))
        for _ in range(2))
    return first + (second - first) * mix[..., None]
