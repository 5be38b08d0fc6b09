# Copyright (c) OpenMMLab. All rights reserved.
"""Copies of a video that a browser plays, with its own or other sound."""

import os
from collections.abc import Iterator

import numpy as np

from mmavs.audio import SAMPLE_RATE
from mmavs.video.source import VideoSource
from mmavs.video.writer import VideoWriter
from mmavs.visualization.overlay import resize_frame


def copy_clip(source: str | os.PathLike, target: str | os.PathLike, *,
              sound: np.ndarray | None = None, max_seconds: float = 60.,
              max_height: int = 480) -> None:
    """Write the beginning of a video as an mp4 for browsers.

    It always gets a sound track: without one of its own it is silent.

    Args:
        source (str | PathLike): A video of any kind.
        target (str | PathLike): File to write, ``.mp4``.
        sound (np.ndarray, optional): (samples,) mono at 16 kHz, put in place
            of its own sound; repeated or cut to the length of the copy.
            Defaults to None, its own.
        max_seconds (float): Length of the copy at most. Defaults to 60.
        max_height (int): Taller frames are made smaller. Defaults to 480.

    Raises:
        OSError: If the video may not be read or the copy not be written.
        VideoError: If it is no video, or damaged.
    """
    video = VideoSource(source)
    seconds = min(video.duration, max_seconds)
    scale = min(1., max_height / video.size[0])
    size = tuple(max(2, round(side * scale)) for side in video.size)
    rate, channels = SAMPLE_RATE, 1
    if sound is None and video.sample_rate:
        rate, channels = video.sample_rate, video.channels
        blocks = _heard(video)
    else:
        blocks = _repeated(np.zeros(rate) if sound is None else sound,
                           seconds)
    with VideoWriter(target, size=size, fps=video.fps, sample_rate=rate,
                     channels=channels, variable_rate=True,
                     quality=18) as writer:
        left = round(seconds * rate)
        for time, frame in video.frames():
            if time >= seconds:
                break
            # Sound goes ahead of its frames, a second or so at a time.
            while left > 0 and writer.num_samples < (time + 1) * rate:
                block = next(blocks, None)
                if block is None:
                    break
                writer.write_audio(block[:left])
                left -= len(block[:left])
            writer.write_frame(resize_frame(frame, size), time=time)


def _heard(video: VideoSource) -> Iterator[np.ndarray]:
    """The sound from the first frame on."""
    early = round(-video.sound_start * video.sample_rate)
    for block in video.sound():
        yield block[early:]
        early = max(0, early - len(block))


def _repeated(sound: np.ndarray, seconds: float) -> Iterator[np.ndarray]:
    """The sound over and over again, at least for so many seconds."""
    if not len(sound):
        raise ValueError('the sound to put in place holds no samples')
    done = 0
    while done < seconds * SAMPLE_RATE + 1:
        yield np.asarray(sound, np.float32)[:, None]
        done += len(sound)
