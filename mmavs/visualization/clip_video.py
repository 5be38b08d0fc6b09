# Copyright (c) OpenMMLab. All rights reserved.
"""A clip as a video with its sound: overlay, and a playhead on the log-mel."""

import os
from collections.abc import Iterator, Sequence

import numpy as np

from mmavs.video.writer import write_video

from .overlay import overlay_mask, resize_frame
from .palette import GROUND_TRUTH, PREDICTION
from .sound_strip import draw_log_mel, log_mel_range
from .text import draw_text

_PLAYHEAD = (255, 255, 255)


def write_clip_video(path: str | os.PathLike, frames: Sequence[np.ndarray],
                     masks: Sequence[np.ndarray] | None = None, *,
                     targets: Sequence[np.ndarray] | None = None,
                     waveform: np.ndarray | None = None,
                     sample_rate: int | None = None,
                     log_mel: np.ndarray | None = None,
                     colours: Sequence[Sequence[int]] | None = None,
                     seconds_per_frame: float = 1., fps: int = 8,
                     height: int | None = None) -> None:
    """Write a clip with its masks, ground truth beside it and sound below.

    Each frame is shown for ``seconds_per_frame`` while its sound is heard,
    as it was paired for the network.

    Args:
        path (str | PathLike): File to write, ``.mp4``.
        frames (Sequence[np.ndarray]): T frames (H, W, 3) uint8 RGB.
        masks (Sequence[np.ndarray], optional): T predictions (h, w), class
            indices. Defaults to None, the frames alone.
        targets (Sequence[np.ndarray], optional): Ground truth, shown to the
            right. Defaults to None.
        waveform (np.ndarray, optional): (samples,) or (samples, channels)
            float; the sound track. Defaults to None.
        sample_rate (int, optional): In Hz. Defaults to None.
        log_mel (np.ndarray, optional): (T, N, 1, 96, 64), shown below with
            a playhead. Defaults to None.
        colours (Sequence[Sequence[int]], optional): RGB of each class.
            Defaults to orange masks and green ground truth.
        seconds_per_frame (float): Defaults to 1.
        fps (int): Of the video. Defaults to 8.
        height (int, optional): Of the frames in the video. Defaults to the
            first frame's.

    Raises:
        ValueError: If frames, masks and targets differ in number.
    """
    for maps, what in ((masks, 'masks'), (targets, 'targets')):
        if maps is not None and len(maps) != len(frames):
            raise ValueError(f'{path}: {len(frames)} frames but {len(maps)} '
                             f'{what}')
    panels = [(masks, PREDICTION, 'prediction')]
    if targets is not None:
        panels.append((targets, GROUND_TRUTH, 'ground truth'))
    pictures = []
    shape = frames[0].shape
    height = height or shape[0]
    size = (height, round(shape[1] * height / shape[0]))
    for index, frame in enumerate(frames):
        frame = resize_frame(np.asarray(frame), size)
        sides = []
        for maps, colour, label in panels:
            side = frame.copy()
            if maps is not None:
                side = overlay_mask(frame, maps[index], colours if colours
                                    is not None else ((0, 0, 0), colour))
            if len(panels) > 1:
                draw_text(side, label, (6, 4), size=max(10, height // 18),
                          shade=True)
            sides.append(side)
        pictures.append(np.concatenate(sides, axis=1))
    strip = None
    if log_mel is not None:
        strip = _strip(log_mel[:len(frames)], pictures[0].shape[1],
                       max(32, height // 5))
    write_video(path, _play(pictures, strip, seconds_per_frame, fps), fps,
                audio=waveform, sample_rate=sample_rate)


def _strip(log_mel: np.ndarray, width: int, height: int) -> np.ndarray:
    """The log-mel of the whole clip in one line."""
    value_range = log_mel_range(log_mel)
    edges = np.linspace(0, width, len(log_mel) + 1).astype(int)
    return np.concatenate([
        draw_log_mel(tokens, (height, right - left), value_range)
        for tokens, left, right in zip(log_mel, edges, edges[1:])], axis=1)


def _play(pictures: Sequence[np.ndarray], strip: np.ndarray | None,
          seconds_per_frame: float, fps: int) -> Iterator[np.ndarray]:
    total = max(1, round(len(pictures) * seconds_per_frame * fps))
    for step in range(total):
        index = min(int(step / fps / seconds_per_frame), len(pictures) - 1)
        picture = pictures[index]
        if strip is not None:
            line = strip.copy()
            head = int(step / total * line.shape[1])
            line[:, max(0, head - 1):head + 1] = _PLAYHEAD
            picture = np.concatenate([picture, line])
        yield picture
