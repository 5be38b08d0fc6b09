# Copyright (c) OpenMMLab. All rights reserved.
"""What the objects look like: an outline and a texture for each kind.

Both are functions of object coordinates (u, v): u to the right, v down, the
object reaching about 1 from the origin. An outline answers which points
belong to the object; a texture mixes the object's two colours (0 the first,
1 the second).
"""

import numpy as np


def _disc(u: np.ndarray, v: np.ndarray, x: float, y: float, radius: float
          ) -> np.ndarray:
    return (u - x) ** 2 + (v - y) ** 2 <= radius ** 2


def disc(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Outline of a drum skin."""
    return _disc(u, v, 0, 0, 0.95)


def rings(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Concentric rings."""
    return (np.sin(np.hypot(u, v) * 11) > 0).astype(float)


def star(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Outline of a rotor with four blades."""
    angle = np.arctan2(v, u)
    return np.hypot(u, v) <= 0.82 + 0.28 * np.cos(4 * angle)


def pinwheel(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Eight sectors in turn."""
    return (np.sin(4 * np.arctan2(v, u)) > 0).astype(float)


def bell(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Outline of a bell: a dome that widens, and a clapper."""
    width = 0.42 + 0.42 * ((v + 0.5).clip(0) / 1.2) ** 2
    body = (np.abs(u) <= width) & (v >= -0.5) & (v <= 0.68)
    return body | _disc(u, v, 0, -0.5, 0.42) | _disc(u, v, 0, 0.74, 0.2)


def bands(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Horizontal bands."""
    return (np.sin(v * 9 + 0.6) > 0.2).astype(float)


def block(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Outline of a bus: a wide box with two wheels."""
    box = (np.abs(u) <= 1) & (v >= -0.7) & (v <= 0.5)
    return (box | _disc(u, v, -0.55, 0.5, 0.24)
            | _disc(u, v, 0.55, 0.5, 0.24))


def windows(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """A row of square windows, and the wheels."""
    row = (v > -0.45) & (v < 0) & (np.sin(u * 9.5) > -0.35)
    return (row | (v > 0.42)).astype(float)


def wedge(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Outline of a bird in flight: two swept wings."""
    bend = 0.5 * np.abs(u)
    return ((np.abs(u) <= 1.15) & (v >= bend - 0.75)
            & (v <= 0.5 - 0.4 * np.abs(u) + bend))


def stripes(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Slanted feathers, mirrored at the body."""
    return (np.sin(10 * (np.abs(u) + 0.6 * v)) > 0).astype(float)


def ring(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Outline of a thick ring."""
    radius = np.hypot(u, v)
    return (radius <= 1) & (radius >= 0.42)


def arcs(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """An outer and an inner arc."""
    return (np.hypot(u, v) > 0.7).astype(float)


def guitar(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Outline of a guitar: two bouts and a neck."""
    neck = (np.abs(u) <= 0.2) & (v >= -1.25) & (v <= 0)
    return (_disc(u, v, 0, 0.5, 0.62) | _disc(u, v, 0, -0.2, 0.46) | neck)


def hole(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """A sound hole and strings."""
    strings = (np.abs(u) < 0.1) & (v < 0.5)
    return (strings | _disc(u, v, 0, 0.3, 0.26)).astype(float)


def triangle(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Outline of a saw blade: a long triangle with teeth."""
    teeth = 0.13 * np.abs((u * 3.2) % 1 - 0.5)
    top = -0.62 + 0.35 * (u + 1)
    return (np.abs(u) <= 1.1) & (v >= top) & (v <= 0.62 - teeth)


def checks(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """A chequered pattern."""
    return (np.sin(u * 8) * np.sin(v * 8) > 0).astype(float)
