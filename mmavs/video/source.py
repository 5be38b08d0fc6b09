# Copyright (c) OpenMMLab. All rights reserved.
"""Reading a video file as a stream (PyAV)."""

import math
import os
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import av
import numpy as np

from .reader import (
    VideoError,
    check_codec,
    check_whole,
    open_container,
    to_rgb,
)

_FLOAT_PLANES = 'fltp'
# Below this time in seconds it is quicker to decode from the beginning.
_WORTH_SEEKING = 5.


class VideoSource:
    """A video file of any container and codec that PyAV reads.

    Frames and sound are decoded as they are asked for, so memory does not
    grow with the length. Times are in seconds from the first frame; frames
    are turned upright by the file's rotation flag.

    Args:
        path (str | PathLike): The file.
        audio_stream (int): Which of several sound tracks. Defaults to 0.

    Attributes:
        size (tuple[int, int]): Height and width, upright.
        fps (float): Average frames per second.
        duration (float): Seconds to the end of the last frame.
        num_frames (int): Number of frames.
        sample_rate (int | None): Of the sound in Hz, None without sound.
        channels (int): Of the sound, 0 without.
        audio_duration (float): Time at which the sound ends, 0 without.
        sound_start (float): Time at which :meth:`sound` begins: negative if
            the sound begins before the first frame, else 0.

    Raises:
        FileNotFoundError: If there is no such file.
        PermissionError: If it may not be read.
        VideoError: If it is no video, is cut short, or lacks the sound track
            that was asked for.
    """

    def __init__(self, path: str | os.PathLike, *,
                 audio_stream: int = 0) -> None:
        self.path = Path(path)
        try:
            if not self.path.is_file():
                raise FileNotFoundError(f'{path}: there is no such file')
            with open(self.path, 'rb'):
                pass
        except PermissionError as error:
            raise PermissionError(
                f'{path}: may not be read; change its permissions, or those '
                'of its folder') from error
        with self._open() as container:
            self._read_header(container, audio_stream)
            self._scan(container)
        self._read_first_frame()

    def _open(self) -> av.container.InputContainer:
        try:
            return open_container(self.path)
        except (av.error.FFmpegError, ValueError) as error:
            raise VideoError(
                f'{self.path}: is not a video that can be read, or is '
                f'damaged ({_reason(error)})') from error

    def _read_header(self, container: av.container.InputContainer,
                     audio_stream: int) -> None:
        videos = [s for s in container.streams.video
                  if not s.disposition & s.disposition.attached_pic]
        if not videos:
            raise VideoError(f'{self.path}: holds no video')
        self._video_index = videos[0].index
        declared = [float(s.duration * s.time_base) for s in videos[:1]
                    if s.duration]
        self._declared = declared[0] if declared else 0.
        sounds = container.streams.audio
        self.num_audio_streams = len(sounds)
        self._audio_index = None
        self.sample_rate, self.channels = None, 0
        if sounds:
            if not 0 <= audio_stream < len(sounds):
                raise VideoError(
                    f'{self.path}: has {len(sounds)} sound tracks; '
                    f'audio_stream must be below that, got {audio_stream}')
            stream = sounds[audio_stream]
            check_codec(stream, self.path)
            self._audio_index = stream.index
            self.sample_rate = stream.codec_context.sample_rate
            self.channels = stream.codec_context.channels

    def _scan(self, container: av.container.InputContainer) -> None:
        """Find the true length of both streams without decoding."""
        spans: dict[int, list[float]] = {}
        self.num_frames, last_duration = 0, 0
        try:
            for packet in container.demux():
                index = packet.stream.index
                if packet.pts is None or index not in (
                        self._video_index, self._audio_index):
                    continue
                start = float(packet.pts * packet.time_base)
                stop = start + float((packet.duration or 0)
                                     * packet.time_base)
                span = spans.setdefault(index, [start, stop])
                span[0], span[1] = min(span[0], start), max(span[1], stop)
                if index == self._video_index:
                    self.num_frames += 1
                    last_duration = packet.duration
        except av.error.FFmpegError as error:
            raise VideoError(f'{self.path}: is damaged '
                             f'({_reason(error)})') from error
        if self._video_index not in spans:
            raise VideoError(f'{self.path}: holds no frames')
        start, stop = spans[self._video_index]
        if self._declared > stop - start + max(1., 0.1 * self._declared):
            raise VideoError(
                f'{self.path}: is cut short: it promises '
                f'{self._declared:.1f} s and holds {stop - start:.1f} s')
        sound = spans.get(self._audio_index)
        self._zero = start
        # A single frame may carry no duration.
        self.duration = max(stop - start, 0.04)
        if not last_duration and self.num_frames > 1:
            self.duration *= self.num_frames / (self.num_frames - 1)
        self.fps = self.num_frames / self.duration
        self.sound_start, self.audio_duration = 0., 0.
        if sound:
            stream = container.streams[self._audio_index]
            # Packets may begin earlier with samples that are never heard.
            begin = (sound[0] if stream.start_time is None else
                     float(stream.start_time * stream.time_base))
            self.sound_start = min(0., begin - start)
            self.audio_duration = max(0., sound[1] - start)
        if not self.audio_duration:
            self.sample_rate, self.channels = None, 0

    def _read_first_frame(self) -> None:
        _, first = next(self.frames(), (0., None))
        if first is None:
            raise VideoError(f'{self.path}: none of its frames can be '
                             'decoded')
        self.size = first.shape[:2]

    def frames(self, start: float = 0.
               ) -> Iterator[tuple[float, np.ndarray]]:
        """Decode frames.

        Args:
            start (float): Begin with the frame on screen at this time, or
                with one before it. Defaults to 0., all frames.

        Yields:
            tuple[float, np.ndarray]: Time and frame, (H, W, 3) uint8 RGB.

        Raises:
            VideoError: If the file is damaged from some point on.
        """
        if start > _WORTH_SEEKING:
            found = self._decode(seek=start)
            first = next(found, None)
            # Not every container can seek, and some land too late.
            if first is not None and first[0] <= start:
                yield first
                yield from found
                return
        yield from self._decode()

    def _decode(self, seek: float | None = None
                ) -> Iterator[tuple[float, np.ndarray]]:
        time = -1e-4
        with self._open() as container:
            stream = container.streams[self._video_index]
            stream.thread_type = 'AUTO'
            try:
                if seek is not None:
                    container.seek(int((seek + self._zero)
                                       / stream.time_base), stream=stream)
                for frame in container.decode(stream):
                    # Broken files repeat or lack times; ours always grow.
                    known = frame.pts is not None
                    if seek is not None:
                        if not known:
                            return
                        if not frame.key_frame:
                            continue  # what it refers to was not read
                        seek = None
                    now = (float(frame.pts * frame.time_base) - self._zero
                           if known else time + 1e-4)
                    time = max(now, time + 1e-4)
                    check_whole(frame, time, self.path)
                    yield time, to_rgb(frame)
            except av.error.FFmpegError as error:
                if seek is not None:
                    return
                raise VideoError(
                    f'{self.path}: is damaged after {max(0, time):.1f} s '
                    f'({_reason(error)})') from error

    def frames_at(self, times: Iterable[float]) -> Iterator[np.ndarray]:
        """The frames on screen at given times.

        Args:
            times (Iterable[float]): Growing, in seconds.

        Yields:
            np.ndarray: (H, W, 3) uint8 RGB; after the end the last frame.
        """
        times = iter(times)
        begin = next(times, None)
        if begin is None:
            return
        frames = self.frames(begin)
        _, shown = next(frames)
        following = next(frames, None)
        for time in chain([begin], times):
            while following is not None and following[0] <= time + 1e-6:
                shown, following = following[1], next(frames, None)
            yield shown

    def sound(self) -> Iterator[np.ndarray]:
        """Decode the sound from ``sound_start`` on, gaps as silence.

        Yields:
            np.ndarray: (n, channels) float32 at ``sample_rate``.

        Raises:
            VideoError: If the file is damaged from some point on.
        """
        if self._audio_index is None or not self.sample_rate:
            return
        done = 0  # samples since sound_start
        with self._open() as container:
            stream = container.streams[self._audio_index]
            convert = av.AudioResampler(
                format=_FLOAT_PLANES, layout=stream.layout,
                rate=self.sample_rate)
            try:
                for frame in container.decode(stream):
                    time = frame.time
                    frame.pts = None  # the converter must not fill gaps
                    for piece in convert.resample(frame):
                        block = piece.to_ndarray().T  # (n, channels)
                        block, done = self._place(block, time, done)
                        time = None
                        if len(block):
                            yield block
            except av.error.FFmpegError as error:
                raise VideoError(
                    f'{self.path}: its sound is damaged after '
                    f'{done / self.sample_rate:.1f} s '
                    f'({_reason(error)})') from error

    def _place(self, block: np.ndarray, time: float | None,
               done: int) -> tuple[np.ndarray, int]:
        """Cut or precede a block so that it starts where it belongs."""
        if time is not None:
            start = round((time - self._zero - self.sound_start)
                          * self.sample_rate)
            # Containers round times; only real gaps and overlaps count.
            if done == 0 or abs(start - done) > 0.02 * self.sample_rate:
                if start < done:
                    block = block[min(done - start, len(block)):]
                elif start > done:
                    silence = np.zeros((start - done, block.shape[1]),
                                       np.float32)
                    block = np.concatenate([silence, block])
        return np.ascontiguousarray(block, np.float32), done + len(block)


def count_seconds(duration: float) -> int:
    """Number of whole seconds, a last one of half a second included."""
    return max(1, math.floor(duration + 0.5))


def _reason(error: Exception) -> str:
    """The library's words without its numbers and file names."""
    text = getattr(error, 'strerror', None) or str(error)
    return ' '.join(text.split()).rstrip('.')
