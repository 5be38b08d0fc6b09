# Copyright (c) OpenMMLab. All rights reserved.
"""From a stream to clips for the network, and back to masks in time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from mmavs.audio import SAMPLE_RATE
from mmavs.video.sound_window import SoundWindow

from .sources import ClipSource


@dataclass
class Clip:
    """What the network sees at once: one frame and second, T times.

    Args:
        indices (range): Numbers of the masks it yields.
        frames (list[np.ndarray]): T frames (H, W, 3) uint8 RGB.
        waveform (np.ndarray): (samples,) float32, 16 kHz mono, of T seconds.
        window_sound (np.ndarray | None): The sound of the window, with the
            pass that completes it.
    """

    indices: range
    frames: list[np.ndarray]
    waveform: np.ndarray
    window_sound: np.ndarray | None


@dataclass
class Window:
    """A stretch of masks, in order.

    Args:
        start (int): Number of the first mask.
        times (list[float]): Of the frames they were made from, in seconds.
        frames (list[np.ndarray]): These frames.
        masks (np.ndarray): (M, H, W) uint8 class indices.
        scores (np.ndarray | None): (M, K, h, w) log-odds or class scores.
        log_mel (np.ndarray): (M, N, 1, 96, 64) as the network heard it.
        waveform (np.ndarray): (samples,) 16 kHz mono, over the window.
        final (bool): Whether it is the last one.
        heatmaps (list[np.ndarray]): On request, a layer's (M, h, w) each.
        gates (dict[str, np.ndarray]): On request, name to (M,).
    """

    start: int
    times: list[float]
    frames: list[np.ndarray]
    masks: np.ndarray
    scores: np.ndarray | None
    log_mel: np.ndarray
    waveform: np.ndarray
    final: bool = False
    heatmaps: list[np.ndarray] = field(default_factory=list)
    gates: dict[str, np.ndarray] = field(default_factory=dict)


def mask_time(index: int, fps: int) -> float:
    """When the frame of a mask is taken.

    At one mask a second it is 15/16 s into the second, as AVSBench's frames
    were; at N a second, in the middle of the Nth.
    """
    return index + 15 / 16 if fps == 1 else (index + 0.5) / fps


def clips(source: ClipSource, *, seconds: int, fps: int = 1,
          first: int = 0) -> Iterator[Clip]:
    """Cut a source into clips of at most ``seconds`` seconds.

    At N masks a second each window is passed N times, with frames 1/N s
    later each time and the sound centred on the frames.

    Args:
        source (ClipSource): The input.
        seconds (int): T, the length the model was trained with.
        fps (int): N, masks per second. Defaults to 1.
        first (int): Number of the window to begin with. Defaults to 0.

    Yields:
        Clip: In the order of time, passes of a window one after the other.
    """
    total = source.num_seconds
    frames = source.frames_at(
        mask_time(index, fps)
        for index in range(first * seconds * fps, total * fps))
    sound = None
    if source.sample_rate:
        sound = SoundWindow(source.sound(), source.sample_rate,
                            begin=source.sound_start)
    for start in range(first * seconds, total, seconds):
        length = min(seconds, total - start)
        window = list(islice(frames, length * fps))
        if sound is None:
            whole = np.zeros(length * SAMPLE_RATE, np.float32)
        else:
            whole = sound.between(start, start + length)
        for shift in range(fps):
            waveform = whole
            if sound is not None and fps > 1:
                begin = start + (shift + 0.5) / fps - 0.5
                waveform = sound.between(begin, begin + length)
            first = start * fps + shift
            yield Clip(indices=range(first, first + length * fps, fps),
                       frames=window[shift::fps], waveform=waveform,
                       window_sound=whole if shift == fps - 1 else None)


def batches(stream: Iterator, size: int) -> Iterator[list]:
    """Groups of ``size``; the last one may be smaller."""
    stream = iter(stream)
    while group := list(islice(stream, size)):
        yield group
