# Copyright (c) OpenMMLab. All rights reserved.
"""Who is in a clip and who sounds when.

A clip is known by its family, split and index; all that is random about it
comes from these and the seed, so no clip depends on another's generation.
Clips come in groups of sixteen with fixed roles:

- ``index % 4 == 3``: the *twin* of the clip before. It has the same frames
  but other sound, and other masks in every second.
- ``index % 16 == 5``: silent.
- ``index % 16 == 9``: only something out of view sounds, so nothing is
  marked.

In AVSBench's single-source family (``v1s``) one object sounds throughout and
only the twins keep their role.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.random import Generator, default_rng

from .kinds import KINDS

FAMILIES = {'v1s': 5, 'v1m': 5, 'v2': 10}
"""Seconds per clip of AVSBench's three kinds of clip."""
SPLITS = ('train', 'val', 'test')
LOOKS, ROLES, SOUNDS = range(3)


def clip_rng(seed: int, family: str, split: str, index: int, stream: int
             ) -> Generator:
    """The generator of one aspect of one clip."""
    return default_rng([seed, list(FAMILIES).index(family),
                        SPLITS.index(split), index, stream])


@dataclass(frozen=True)
class ClipPlan:
    """What a clip shows and plays.

    Attributes:
        seed (int): Seed of the data set.
        family (str): ``v1s``, ``v1m`` or ``v2``.
        split (str): ``train``, ``val`` or ``test``.
        index (int): Number of the clip in its family and split.
        look_index (int): Number of the clip whose frames it shows.
        kinds (tuple[int]): Visible objects, back to front, as indices into
            :data:`~.kinds.KINDS`.
        sounding (np.ndarray): Bool, (T, objects).
        off_screen (int, optional): Kind of the object out of view.
        off_sounding (np.ndarray): Bool, (T,): when that one sounds.
    """

    seed: int
    family: str
    split: str
    index: int
    look_index: int
    kinds: tuple[int, ...]
    sounding: np.ndarray
    off_screen: int | None
    off_sounding: np.ndarray

    @property
    def num_seconds(self) -> int:
        """T, the clip's length and number of frames."""
        return len(self.sounding)

    @property
    def objects(self) -> list[str]:
        """Names of all objects, the one out of view last."""
        unseen = [] if self.off_screen is None else [self.off_screen]
        return [KINDS[kind].name for kind in (*self.kinds, *unseen)]

    @property
    def activity(self) -> np.ndarray:
        """Bool, (T, len(objects)): who sounds, out of view included."""
        if self.off_screen is None:
            return self.sounding
        return np.column_stack([self.sounding, self.off_sounding])


def is_twin(index: int) -> bool:
    """Whether a clip shares the frames of the one before it."""
    return index % 4 == 3


def plan_clip(seed: int, family: str, split: str, index: int) -> ClipPlan:
    """Draw who is in a clip and who sounds when.

    Args:
        seed (int): Seed of the data set.
        family (str): ``v1s``, ``v1m`` or ``v2``.
        split (str): ``train``, ``val`` or ``test``.
        index (int): Number of the clip in its family and split.

    Returns:
        ClipPlan: The plan; equal arguments give equal plans.
    """
    num_seconds = FAMILIES[family]
    look_index = index - 1 if is_twin(index) else index
    kinds = _draw_kinds(
        clip_rng(seed, family, split, look_index, LOOKS), look_index)
    rng = clip_rng(seed, family, split, index, ROLES)
    off_screen, off_sounding = None, np.zeros(num_seconds, bool)
    if family == 'v1s':
        avoid = (int(plan_clip(seed, family, split, look_index)
                     .sounding[0].argmax()) if is_twin(index) else None)
        source = rng.choice([k for k in range(len(kinds)) if k != avoid])
        sounding = np.zeros((num_seconds, len(kinds)), bool)
        sounding[:, source] = True
    elif index % 16 in (5, 9):
        sounding = np.zeros((num_seconds, len(kinds)), bool)
        if index % 16 == 9:
            off_screen = _draw_absent(rng, kinds)
            off_sounding[:] = True
    else:
        avoid = (plan_clip(seed, family, split, look_index).sounding
                 if is_twin(index) else None)
        sounding = _draw_sounding(rng, num_seconds, len(kinds), avoid)
        if rng.random() < 0.12:
            off_screen = _draw_absent(rng, kinds)
            off_sounding = rng.random(num_seconds) < 0.5
            off_sounding[rng.integers(num_seconds)] = True
    return ClipPlan(seed, family, split, index, look_index, kinds, sounding,
                    off_screen, off_sounding)


def _draw_kinds(rng: Generator, look_index: int) -> tuple[int, ...]:
    """One to three different kinds; two at least where a twin follows."""
    chances = (0, 0.6, 0.4) if look_index % 4 == 2 else (0.2, 0.5, 0.3)
    count = rng.choice((1, 2, 3), p=chances)
    return tuple(int(kind) for kind in rng.permutation(len(KINDS))[:count])


def _draw_absent(rng: Generator, kinds: Sequence[int]) -> int:
    return int(rng.choice([k for k in range(len(KINDS)) if k not in kinds]))


def _draw_sounding(rng: Generator, num_seconds: int, num_objects: int,
                   avoid: np.ndarray | None) -> np.ndarray:
    """A changing subset of the objects.

    Args:
        rng (Generator): Source of the choices.
        num_seconds (int): T.
        num_objects (int): Objects in view.
        avoid (np.ndarray, optional): Bool, (T, objects): subsets that must
            not sound in their second.

    Returns:
        np.ndarray: Bool, (T, objects); some second has sound.
    """
    subsets = np.array(list(product((False, True), repeat=num_objects)))
    weights = np.array([0.1, 1., 0.4, 0.5])[subsets.sum(1)]
    rows = []
    for second in range(num_seconds):
        allowed = np.ones(len(subsets), bool)
        if avoid is not None:
            allowed = (subsets != avoid[second]).any(axis=1)
        keep = rows and rng.random() < 0.65 and allowed[rows[-1]]
        if keep:
            rows.append(rows[-1])
            continue
        chances = weights * allowed
        if rows:
            chances[rows[-1]] = 0  # a draw is a change
        else:
            chances[0] = 0  # the clip begins with sound
        if not chances.any():  # one object: what is left is what it does
            chances = allowed.astype(float)
        rows.append(int(rng.choice(len(subsets), p=chances / chances.sum())))
    return subsets[rows]
