# Copyright (c) OpenMMLab. All rights reserved.
"""Short videos to try a model on, made from the synthetic test split.

Each video has a twin with the same pictures and other sound, so that one can
see whether the masks follow the sound.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmavs.video.writer import write_video

from .kinds import KINDS
from .plan import ClipPlan, plan_clip
from .scene import render_frames, render_sound

CLIPS = (30, 2, 46, 10)
"""Test clips of the multi-source family; the next one of each is its twin.

Picked by hand from the twelve pairs of the data set's test split: different
objects, and sound that changes."""
SAMPLE_RATE = 16000
VERSION = 1
"""Raised when the videos change, so that old ones are not used."""


@dataclass(frozen=True)
class SampleVideo:
    """A video and its twin.

    Attributes:
        name (str): What is to be seen, e.g. ``bus-bird``.
        path (Path): The video.
        twin (Path): The same pictures with other sound.
    """

    name: str
    path: Path
    twin: Path


def write_sample_videos(folder: str | os.PathLike, *, size: int = 256,
                        fps: int = 12) -> list[SampleVideo]:
    """Write four videos of five seconds and their twins.

    Videos that are there already are left as they are.

    Args:
        folder (str | PathLike): Where to; made if missing.
        size (int): Height and width in pixels. Defaults to 256.
        fps (int): Frames per second. Defaults to 12.

    Returns:
        list[SampleVideo]: What was written or found.
    """
    samples = []
    for index in CLIPS:
        pair = [plan_clip(0, 'v1m', 'test', index + k) for k in (0, 1)]
        name = '-'.join(KINDS[kind].name for kind in pair[0].kinds)
        sample = SampleVideo(name, Path(folder, f'{name}.mp4'),
                             Path(folder, f'{name}_other-sound.mp4'))
        if not (sample.path.exists() and sample.twin.exists()):
            times = (np.arange(pair[0].num_seconds * fps) + 0.5) / fps
            frames, _ = render_frames(pair[0], size, times)
            for plan, path in zip(pair, (sample.path, sample.twin)):
                _write(plan, path, frames, fps)
        samples.append(sample)
    return samples


def _write(plan: ClipPlan, path: Path, frames: np.ndarray, fps: int
           ) -> None:
    sound = render_sound(plan, SAMPLE_RATE).astype(np.float32) / 32768
    write_video(path, frames, fps, audio=sound, sample_rate=SAMPLE_RATE,
                quality=16)


def cache_folder() -> Path:
    """Where the program keeps the sample videos.

    ``MMAVS_CACHE``, else ``mmavs`` in ``XDG_CACHE_HOME`` or ``~/.cache``.
    """
    base = os.environ.get('MMAVS_CACHE')
    if not base:
        base = Path(os.environ.get('XDG_CACHE_HOME')
                    or Path.home() / '.cache', 'mmavs')
    return Path(base, f'samples-{VERSION}')
