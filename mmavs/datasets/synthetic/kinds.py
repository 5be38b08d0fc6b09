# Copyright (c) OpenMMLab. All rights reserved.
"""The kinds of object: for each a look, a motion, a timbre and its names."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from . import looks, motion, timbres


@dataclass(frozen=True)
class Kind:
    """One kind of sounding object.

    Attributes:
        name (str): The AVSBench-semantic class that it stands for.
        label (int): That class's index among the 71.
        category (str): The S4 category that it stands for.
        hue (float): Typical hue of its first colour, 0 to 1.
        outline (Callable): (u, v) to bool, see :mod:`.looks`.
        texture (Callable): (u, v) to 0 or 1, see :mod:`.looks`.
        motion (Callable): (time, tempo, phase) to
            :class:`~.motion.Pose`.
        timbre (Callable): (rng, num_samples, rate) to sound, see
            :mod:`.timbres`.
    """

    name: str
    label: int
    category: str
    hue: float
    outline: Callable[[np.ndarray, np.ndarray], np.ndarray]
    texture: Callable[[np.ndarray, np.ndarray], np.ndarray]
    motion: Callable[[float, float, float], motion.Pose]
    timbre: timbres.Timbre


KINDS = (
    Kind('tabla', 56, 'playing_tabla', 0.04,
         looks.disc, looks.rings, motion.bounce, timbres.tabla),
    Kind('helicopter', 35, 'helicopter', 0.33,
         looks.star, looks.pinwheel, motion.spin, timbres.helicopter),
    Kind('bell', 6, 'playing_glockenspiel', 0.14,
         looks.bell, looks.bands, motion.sway, timbres.bell),
    Kind('bus', 10, 'driving_buses', 0.99,
         looks.block, looks.windows, motion.hop, timbres.bus),
    Kind('bird', 7, 'mynah_bird_singing', 0.55,
         looks.wedge, looks.stripes, motion.glide, timbres.bird),
    Kind('emergency-car', 22, 'ambulance_siren', 0.66,
         looks.ring, looks.arcs, motion.pulse, timbres.emergency_car),
    Kind('guitar', 28, 'playing_acoustic_guitar', 0.09,
         looks.guitar, looks.hole, motion.rock, timbres.guitar),
    Kind('saw', 50, 'chainsawing_trees', 0.8,
         looks.triangle, looks.checks, motion.push, timbres.saw),
)
"""All kinds, in the order in which scenes refer to them."""
