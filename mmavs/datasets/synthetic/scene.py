# Copyright (c) OpenMMLab. All rights reserved.
"""From a plan to frames, masks and sound."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from .backgrounds import hsv, make_background
from .kinds import KINDS, Kind
from .plan import LOOKS, SOUNDS, ClipPlan, clip_rng
from .timbres import make_sound

FRAME_OFFSET = 15 / 16
"""AVSBench takes the frame of second k about k + 15/16 s into the clip."""
SUBPIXELS = 2


@dataclass(frozen=True)
class Actor:
    """One object's own size, place, colours and pace.

    Attributes:
        kind (Kind): What it is.
        radius (float): Size in pixels.
        anchor (np.ndarray): (x, y) about which it moves, in pixels.
        reach (float): How far it moves, in pixels.
        colours (np.ndarray): (2, 3) RGB in 0..1.
        tempo (float): Pace, 1 is usual.
        phase (float): Where in its motion it begins.
    """

    kind: Kind
    radius: float
    anchor: np.ndarray
    reach: float
    colours: np.ndarray
    tempo: float
    phase: float


def render_frames(plan: ClipPlan, size: int,
                  times: Sequence[float] | None = None
                  ) -> tuple[np.ndarray, np.ndarray]:
    """Draw a clip.

    Args:
        plan (ClipPlan): Who is in it.
        size (int): Height of the frames; their width too, but for ``v2``
            clips, which are 4:3.
        times (Sequence[float], optional): When to draw it, in seconds.
            Defaults to None: T frames, one a second, as AVSBench takes them.

    Returns:
        tuple[np.ndarray, np.ndarray]: Frames, uint8 (M, H, W, 3), and
        owners, uint8 (M, H, W): 0 for the background, k + 1 where the
        plan's object k is visible; one for each time.
    """
    width = round(size / 3) * 4 if plan.family == 'v2' else size
    rng = clip_rng(plan.seed, plan.family, plan.split, plan.look_index,
                   LOOKS)
    rng = rng.spawn(1)[0]  # the plan has used the stream itself
    background = make_background(rng, size, width)
    light = rng.uniform(0.85, 1.1)
    actors = _cast(rng, plan, size, width)
    if times is None:
        times = [second + FRAME_OFFSET for second in range(plan.num_seconds)]
    frames, owners = [], []
    for time in times:
        frame = background.copy()
        owner = np.zeros((size, width), np.uint8)
        for number, actor in enumerate(actors, start=1):
            _draw(frame, owner, number, actor, time)
        frame = light * frame
        frames.append((frame.clip(0, 1) * 255).round().astype(np.uint8))
        owners.append(owner)
    return np.stack(frames), np.stack(owners)


def render_sound(plan: ClipPlan, rate: int) -> np.ndarray:
    """Play a clip: its sounding objects over a faint noise floor.

    Args:
        plan (ClipPlan): Who sounds when.
        rate (int): Samples per second.

    Returns:
        np.ndarray: Int16, (T * rate,).
    """
    def stream(number: int) -> Generator:
        return clip_rng(plan.seed, plan.family, plan.split, plan.index,
                        SOUNDS + number)

    rng = stream(0)
    floor = 10 ** (rng.uniform(-72, -58) / 20)
    mixture = floor * rng.standard_normal(plan.num_seconds * rate)
    unseen = () if plan.off_screen is None else (plan.off_screen,)
    activity = plan.activity
    for number, kind in enumerate((*plan.kinds, *unseen)):
        if activity[:, number].any():
            mixture += make_sound(KINDS[kind].timbre, stream(number + 1),
                                  activity[:, number], rate)
    peak = np.abs(mixture).max()
    mixture *= min(1., 0.95 / peak)
    return (mixture * 32767).round().astype(np.int16)


def sounding_masks(plan: ClipPlan, owners: np.ndarray) -> np.ndarray:
    """Class labels of the visible pixels of whatever sounds.

    Args:
        plan (ClipPlan): Who sounds when.
        owners (np.ndarray): (T, H, W) as :func:`render_frames` gives it.

    Returns:
        np.ndarray: Uint8, (T, H, W): AVSBench-semantic class indices, 0
        where nothing sounds.
    """
    labels = np.zeros_like(owners)
    for second, sounding in enumerate(plan.sounding):
        for number in np.flatnonzero(sounding):
            labels[second][owners[second] == number + 1] = (
                KINDS[plan.kinds[number]].label)
    return labels


def _cast(rng: Generator, plan: ClipPlan, height: int, width: int
          ) -> list[Actor]:
    """Sizes, places and colours; anchors keep apart where they can."""
    actors: list[Actor] = []
    for kind in (KINDS[k] for k in plan.kinds):
        radius = height * rng.uniform(0.16, 0.24)
        low = 1.15 * radius
        high = np.array([width, height]) - low
        for _ in range(40):
            anchor = rng.uniform(low, high)
            space = [np.hypot(*(anchor - other.anchor))
                     - 0.9 * (radius + other.radius) for other in actors]
            if min(space, default=1) > 0:
                break
        hue = kind.hue + rng.normal(0, 0.035)
        colours = np.stack([
            hsv(hue, rng.uniform(0.7, 1), rng.uniform(0.75, 1)),
            hsv(hue + rng.uniform(-0.06, 0.06), rng.uniform(0.4, 0.9),
                rng.uniform(0.15, 0.4))])
        actors.append(Actor(
            kind=kind, radius=radius, anchor=anchor,
            reach=height * rng.uniform(0.04, 0.09), colours=colours,
            tempo=rng.uniform(0.7, 1.4), phase=rng.uniform(0, 2 * np.pi)))
    return actors


def _draw(frame: np.ndarray, owner: np.ndarray, number: int, actor: Actor,
          time: float) -> None:
    """Paint one object over frame (H, W, 3) and owner (H, W), in place."""
    height, width = owner.shape
    pose = actor.kind.motion(time, actor.tempo, actor.phase)
    x = actor.anchor[0] + actor.reach * pose.x
    y = actor.anchor[1] + actor.reach * pose.y
    half = 1.7 * actor.radius * max(pose.width, pose.height)
    left, right = _span(x, half, width)
    top, bottom = _span(y, half, height)
    if left == right or top == bottom:
        return
    steps = (np.arange(SUBPIXELS) + 0.5) / SUBPIXELS
    px = (np.arange(left, right)[:, None] + steps).ravel() - x
    py = (np.arange(top, bottom)[:, None] + steps).ravel()[:, None] - y
    cos, sin = np.cos(pose.angle), np.sin(pose.angle)
    u = (cos * px + sin * py) / (actor.radius * pose.width)
    v = (-sin * px + cos * py) / (actor.radius * pose.height)
    inside = _pool(actor.kind.outline(u, v).astype(float))
    texture = _pool(actor.kind.texture(u, v))[..., None]
    first, second = actor.colours
    box = np.s_[top:bottom, left:right]
    colour = first + (second - first) * texture
    frame[box] += inside[..., None] * (colour - frame[box])
    owner[box][inside > 0.5] = number


def _span(centre: float, half: float, limit: int) -> tuple[int, int]:
    first = int(np.clip(np.floor(centre - half), 0, limit))
    last = int(np.clip(np.ceil(centre + half), 0, limit))
    return first, last


def _pool(values: np.ndarray) -> np.ndarray:
    """Mean over the subpixels of each pixel."""
    height, width = (side // SUBPIXELS for side in values.shape)
    return values.reshape(height, SUBPIXELS, width, SUBPIXELS).mean((1, 3))
