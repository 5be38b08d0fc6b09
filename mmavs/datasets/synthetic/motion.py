# Copyright (c) OpenMMLab. All rights reserved.
"""How the objects move: a pose at a time, for each kind.

A motion turns the time in seconds and an object's own tempo, phase and reach
into a :class:`Pose` relative to the object's anchor.
"""

from typing import NamedTuple

import numpy as np


class Pose(NamedTuple):
    """Where an object is and how it is turned.

    Attributes:
        x (float): Offset to the right, in units of the reach.
        y (float): Offset downwards.
        angle (float): Rotation in radians.
        width (float): Horizontal stretch.
        height (float): Vertical stretch.
    """

    x: float = 0.
    y: float = 0.
    angle: float = 0.
    width: float = 1.
    height: float = 1.


def bounce(time: float, tempo: float, phase: float) -> Pose:
    """Up and down as a ball, flattened at the floor."""
    height = abs(np.sin(np.pi * tempo * time + phase))
    squash = 1 - 0.15 * (1 - height) ** 3
    drift = np.sin(0.7 * tempo * time + 2 * phase)
    return Pose(0.6 * drift, 1 - 1.8 * height, 0, 1 / squash, squash)


def spin(time: float, tempo: float, phase: float) -> Pose:
    """Turning while hovering."""
    return Pose(0.7 * np.sin(tempo * time + phase),
                0.4 * np.sin(1.7 * tempo * time),
                2.6 * tempo * time + phase)


def sway(time: float, tempo: float, phase: float) -> Pose:
    """Swinging about a point above, as a hanging bell."""
    angle = 0.55 * np.sin(2 * np.pi * 0.6 * tempo * time + phase)
    return Pose(-1.2 * np.sin(angle), 0.5 * np.cos(angle), angle)


def hop(time: float, tempo: float, phase: float) -> Pose:
    """Driving to and fro in small hops."""
    drive = np.sin(0.9 * tempo * time + phase)
    jump = abs(np.sin(2 * np.pi * tempo * time))
    return Pose(1.3 * drive, -0.35 * jump, 0.08 * np.sin(9 * time))


def glide(time: float, tempo: float, phase: float) -> Pose:
    """Along a lying eight, wings beating."""
    angle = 1.1 * tempo * time + phase
    beat = 1 + 0.2 * np.sin(7 * tempo * time)
    return Pose(1.3 * np.sin(angle), 0.7 * np.sin(2 * angle),
                0.35 * np.cos(angle), 1, beat)


def pulse(time: float, tempo: float, phase: float) -> Pose:
    """Growing and shrinking in place."""
    scale = 1 + 0.18 * np.sin(2 * np.pi * 0.8 * tempo * time + phase)
    return Pose(0.3 * np.sin(tempo * time), 0.3 * np.cos(tempo * time), 0,
                scale, scale)


def rock(time: float, tempo: float, phase: float) -> Pose:
    """Tilting as a player would hold it."""
    tilt = 0.7 + 0.3 * np.sin(2 * tempo * time + phase)
    return Pose(0.4 * np.sin(tempo * time + phase),
                0.5 * np.sin(1.4 * tempo * time), tilt)


def push(time: float, tempo: float, phase: float) -> Pose:
    """Back and forth along a slant with a tremble."""
    stroke = np.sin(2 * np.pi * 0.7 * tempo * time + phase)
    return Pose(stroke + 0.08 * np.sin(31 * time), 0.5 * stroke,
                0.4 * np.sin(phase) + 0.05 * np.sin(27 * time))
