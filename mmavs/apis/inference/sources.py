# Copyright (c) OpenMMLab. All rights reserved.
"""What an inferencer can look at, behind one interface."""

import os
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from mmavs.io.picture import open_picture
from mmavs.video.source import VideoSource, count_seconds


class ClipSource(ABC):
    """Frames and sound of any length, read as a stream.

    Attributes:
        name (str): For files.
        origin (str): For messages.
        audio_duration (float): Time at which the sound ends.
        size (tuple[int, int]): Height and width of the frames.
        fps (float): Frames per second.
        duration (float): Seconds.
        sample_rate (int | None): Of the sound, None without.
        channels (int): Of the sound.
        sound_start (float): Time of the first sample; at most 0.
    """

    name: str
    origin: str
    audio_duration: float = 0.
    size: tuple[int, int]
    fps: float
    duration: float
    sample_rate: int | None = None
    channels: int = 0
    sound_start: float = 0.

    @property
    def num_seconds(self) -> int:
        """Number of seconds the network looks at."""
        return count_seconds(self.duration)

    @abstractmethod
    def frames(self, start: float = 0.
               ) -> Iterator[tuple[float, np.ndarray]]:
        """Frames with their times, from ``start`` or a bit before."""

    @abstractmethod
    def fingerprint(self) -> dict:
        """What tells this input from another one, for JSON."""

    @abstractmethod
    def frames_at(self, times: Iterable[float]) -> Iterator[np.ndarray]:
        """The frames on screen at growing times."""

    @abstractmethod
    def sound(self) -> Iterator[np.ndarray]:
        """The sound in blocks (n, channels) float32."""


class FileClip(ClipSource):
    """A video file."""

    def __init__(self, path: str | os.PathLike, audio_stream: int = 0
                 ) -> None:
        video = VideoSource(path, audio_stream=audio_stream)
        self.name = Path(path).stem
        self.origin = os.fspath(path)
        for key in ('size', 'fps', 'duration', 'sample_rate', 'channels',
                    'sound_start', 'audio_duration'):
            setattr(self, key, getattr(video, key))
        self._video = video

    def frames(self, start: float = 0.
               ) -> Iterator[tuple[float, np.ndarray]]:
        """Frames with their times, from ``start`` or a bit before."""
        return self._video.frames(start)

    def fingerprint(self) -> dict:
        """Size of the file and a checksum of its beginning and end."""
        return file_fingerprint(self.origin)

    def frames_at(self, times: Iterable[float]) -> Iterator[np.ndarray]:
        """The frames on screen at growing times."""
        return self._video.frames_at(times)

    def sound(self) -> Iterator[np.ndarray]:
        """The sound in blocks (n, channels) float32."""
        return self._video.sound()


class ArrayClip(ClipSource):
    """Frames and sound that are in memory, or in image files.

    Args:
        frames (Sequence): (H, W, 3) uint8 RGB each, or paths of images.
        fps (float): Frames per second.
        waveform (np.ndarray, optional): (samples,) or (samples, channels)
            float in [-1, 1].
        sample_rate (int, optional): Of the waveform.
        name (str): Defaults to 'clip'.
    """

    def __init__(self, frames: Sequence[np.ndarray | os.PathLike],
                 fps: float, waveform: np.ndarray | None,
                 sample_rate: int | None, name: str = 'clip') -> None:
        if not len(frames):
            raise ValueError(f'{name}: there are no frames')
        if fps <= 0:
            raise ValueError(f'{name}: fps must be positive, got {fps}')
        self.name, self.origin = name, name
        self._frames, self.fps = frames, float(fps)
        self.duration = len(frames) / self.fps
        self.size = self._frame(0).shape[:2]
        self.audio_duration = 0.
        if waveform is not None and len(waveform):
            if not sample_rate:
                raise ValueError(f'{name}: the waveform needs a sample rate')
            waveform = np.asarray(waveform, np.float32)
            self._wave = np.ascontiguousarray(
                waveform.reshape(len(waveform), -1))
            self.sample_rate = int(sample_rate)
            self.channels = self._wave.shape[1]
            self.audio_duration = len(waveform) / sample_rate

    def _frame(self, index: int) -> np.ndarray:
        frame = self._frames[index]
        if isinstance(frame, str | os.PathLike):
            try:
                frame = np.asarray(open_picture(frame).convert('RGB'))
            except OSError as error:
                raise ValueError(f'{frame}: cannot be read as an image '
                                 f'({error})') from error
        frame = np.asarray(frame)
        if frame.ndim != 3 or frame.shape[2] != 3 or (
                frame.dtype != np.uint8):
            raise ValueError(f'{self.name}: frames must be (H, W, 3) uint8 '
                             f'RGB, got {frame.dtype} of {frame.shape}')
        if frame.shape[:2] != getattr(self, 'size', frame.shape[:2]):
            raise ValueError(
                f'{self.name}: frame {index} is {frame.shape[:2]}, the first '
                f'one {self.size}; all must have one size')
        return frame

    def fingerprint(self) -> dict:
        """Checksums of frames and sound; of image files their beginnings."""
        frames = 0
        for frame in self._frames:
            if isinstance(frame, str | os.PathLike):
                text = repr(sorted(file_fingerprint(frame).items()))
                frames = zlib.crc32(text.encode(), frames)
            else:
                frames = zlib.crc32(np.ascontiguousarray(frame), frames)
        return dict(number=len(self._frames), fps=self.fps, frames=frames,
                    sample_rate=self.sample_rate, sound=zlib.crc32(
                        self._wave) if self.sample_rate else 0)

    def frames(self, start: float = 0.
               ) -> Iterator[tuple[float, np.ndarray]]:
        """Frames with their times, from ``start`` on."""
        for index in range(int((start + 1e-6) * self.fps),
                           len(self._frames)):
            yield index / self.fps, self._frame(index)

    def frames_at(self, times: Iterable[float]) -> Iterator[np.ndarray]:
        """The frames on screen at growing times."""
        for time in times:
            index = int((time + 1e-6) * self.fps)
            yield self._frame(min(max(index, 0), len(self._frames) - 1))

    def sound(self) -> Iterator[np.ndarray]:
        """The sound in blocks (n, channels) float32."""
        if self.sample_rate:
            for start in range(0, len(self._wave), self.sample_rate):
                yield self._wave[start:start + self.sample_rate]


def file_fingerprint(path: str | os.PathLike, part: int = 2**20) -> dict:
    """Size of a file and a checksum of its first and last ``part`` bytes."""
    with open(path, 'rb') as file:
        check = zlib.crc32(file.read(part))
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - part))
        return dict(bytes=size, check=zlib.crc32(file.read(part), check))
