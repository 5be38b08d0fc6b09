# Copyright (c) OpenMMLab. All rights reserved.
"""Joining stretches of a video, and its sound, to one file (PyAV)."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from .encoders import SoundTrack
from .writer import appearing_mp4


@dataclass(frozen=True)
class Segment:
    """A file with a stretch of frames and no sound.

    Args:
        path (Path): From a :class:`VideoWriter` with ``joinable=True``.
        begin (float): Time of its first frame in the whole, in seconds.
    """

    path: Path
    begin: float


def join_segments(path: str | os.PathLike, segments: Sequence[Segment], *,
                  sound: Iterable[np.ndarray] = (),
                  sample_rate: int | None = None, channels: int = 1,
                  sound_stop: float = float('inf')) -> None:
    """Put segments one after the other; no frame is encoded again.

    Frames and sound go through as streams, so memory does not grow with the
    length. The file appears under its name when it is complete.

    Args:
        path (str | PathLike): File to write, ``.mp4``.
        segments (Sequence[Segment]): In the order of time, of one size.
        sound (Iterable[np.ndarray]): Blocks (n, channels) float in [-1, 1]
            from time 0 on. Defaults to none.
        sample_rate (int, optional): Of the sound, in Hz; None writes no
            sound track. Defaults to None.
        channels (int): Of the sound. Defaults to 1.
        sound_stop (float): Sound after this time in seconds is left out.
            Defaults to infinity.

    Raises:
        ValueError: If there is no segment.
    """
    if not segments:
        raise ValueError(f'{path}: there are no frames to write')
    with appearing_mp4(Path(path)) as container:
        video, track = None, None
        blocks = _until(sound, sound_stop * (sample_rate or 1))
        for segment in segments:
            with av.open(os.fspath(segment.path)) as reader:
                stream = reader.streams.video[0]
                if video is None:
                    video = _copy_of(stream, container)
                    if sample_rate:
                        track = SoundTrack(container, channels=channels,
                                           sample_rate=sample_rate)
                shift = round(segment.begin / stream.time_base)
                for packet in reader.demux(stream):
                    if packet.dts is None:
                        continue  # the empty packet that ends a stream
                    packet.pts += shift
                    packet.dts += shift
                    if track is not None:
                        time = float(packet.pts * packet.time_base)
                        _play(track, blocks, (time + 1) * sample_rate)
                    packet.stream = video
                    container.mux(packet)
        if track is not None:
            _play(track, blocks, float('inf'))
            track.finish()


def _copy_of(stream: av.VideoStream,
             container: av.container.OutputContainer) -> av.VideoStream:
    if hasattr(container, 'add_stream_from_template'):
        return container.add_stream_from_template(stream)
    return container.add_stream(template=stream)


def _until(blocks: Iterable[np.ndarray], stop: float
           ) -> Iterator[np.ndarray]:
    """The first ``stop`` samples of a stream of blocks."""
    done = 0
    for block in blocks:
        left = stop - done
        if len(block) >= left:
            yield block[:round(left)]
            return
        done += len(block)
        yield block


def _play(track: SoundTrack, blocks: Iterator[np.ndarray],
          until: float) -> None:
    """Write blocks until there are so many samples in the track."""
    while track.num_samples < until:
        block = next(blocks, None)
        if block is None:
            return
        track.write(block)
