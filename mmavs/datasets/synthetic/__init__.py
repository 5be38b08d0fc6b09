# Copyright (c) OpenMMLab. All rights reserved.
"""A small data set in AVSBench's layouts, made from nothing.

Several objects with their own look, motion and timbre share the picture and
only some of them sound, so a model that ignores the audio cannot score.
"""

from .build import DEFAULT_COUNTS, write_synthetic
from .kinds import KINDS, Kind
from .plan import ClipPlan, plan_clip
from .scene import render_frames, render_sound, sounding_masks

__all__ = ['DEFAULT_COUNTS', 'KINDS', 'ClipPlan', 'Kind', 'plan_clip',
           'render_frames', 'render_sound', 'sounding_masks',
           'write_synthetic']
