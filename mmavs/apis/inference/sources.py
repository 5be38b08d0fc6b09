# Copyright (c) OpenMMLab. All rights reserved.
"""What an inferencer can look at, behind one interface."""

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log
from PIL import Image

from mmavs.audio import read_wav
from mmavs.video.source import VideoSource, count_seconds

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp')
VIDEO_SUFFIXES = ('.mp4', '.mkv', '.avi', '.mov', '.webm', '.m4v', '.mpg',
                  '.mpeg', '.ts', '.flv', '.wmv', '.3gp', '.ogv')
MISSING_AUDIO = ('raise', 'silence')


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
    def frames(self) -> Iterator[tuple[float, np.ndarray]]:
        """All frames with their times."""

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

    def frames(self) -> Iterator[tuple[float, np.ndarray]]:
        """All frames with their times."""
        return self._video.frames()

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
            self._wave = waveform.reshape(len(waveform), -1)
            self.sample_rate = int(sample_rate)
            self.channels = self._wave.shape[1]
            self.audio_duration = len(waveform) / sample_rate

    def _frame(self, index: int) -> np.ndarray:
        frame = self._frames[index]
        if isinstance(frame, str | os.PathLike):
            try:
                with Image.open(frame) as image:
                    frame = np.asarray(image.convert('RGB'))
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

    def frames(self) -> Iterator[tuple[float, np.ndarray]]:
        """All frames with their times."""
        for index in range(len(self._frames)):
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


def make_source(item: Any, *, audio_stream: int = 0,
                on_missing_audio: str = 'raise') -> ClipSource:
    """Open one input.

    Args:
        item (Any): A video file; a pair (folder of frames, wav file), one
            frame a second; or (frames, fps, waveform, sample rate) or a
            dict with these names.
        audio_stream (int): Which of several sound tracks. Defaults to 0.
        on_missing_audio (str): 'raise', or 'silence' for videos without
            sound, or with sound for less than half of their length.
            Defaults to 'raise'.

    Returns:
        ClipSource: The input.

    Raises:
        ValueError: If it cannot be used; the message names it.
    """
    if on_missing_audio not in MISSING_AUDIO:
        raise ValueError(f'on_missing_audio must be one of {MISSING_AUDIO}, '
                         f'got {on_missing_audio!r}')
    if isinstance(item, str | os.PathLike):
        source = FileClip(item, audio_stream)
    elif isinstance(item, dict):
        source = ArrayClip(
            item['frames'], item['fps'], item.get('waveform'),
            item.get('sample_rate'), item.get('name', 'clip'))
    elif isinstance(item, tuple | list) and len(item) == 4:
        source = ArrayClip(*item)
    elif isinstance(item, tuple | list) and len(item) == 2:
        source = _folder_clip(*item)
    else:
        raise ValueError(
            'an input is a video file, a pair (folder of frames, wav file) '
            'or (frames, fps, waveform, sample rate), got '
            f'{type(item).__name__}')
    _check_sound(source, on_missing_audio)
    return source


def _folder_clip(folder: str | os.PathLike,
                 sound: str | os.PathLike | None) -> ArrayClip:
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f'{folder}: there is no such folder of '
                                'frames')
    paths = [p for p in folder.iterdir()
             if p.suffix.lower() in IMAGE_SUFFIXES]
    if not paths:
        raise ValueError(f'{folder}: holds no frames '
                         f'({", ".join(IMAGE_SUFFIXES)})')
    waveform, rate = (None, None) if sound is None else read_wav(sound)
    if waveform is not None:
        waveform = waveform.T  # to (samples, channels)
    return ArrayClip(sorted(paths, key=natural_key), 1., waveform, rate,
                     folder.name)


def natural_key(path: str | os.PathLike) -> tuple:
    """Sort key that puts frame 2 before frame 10."""
    return tuple((int(part) if part.isdigit() else -1, part)
                 for part in re.split(r'(\d+)', Path(path).name))


def _check_sound(source: ClipSource, on_missing: str) -> None:
    if not source.sample_rate:
        problem = 'has no sound'
    elif source.audio_duration < 0.5 * source.duration:
        problem = (f'has sound for {source.audio_duration:.1f} of its '
                   f'{source.duration:.1f} s only')
    else:
        return
    if on_missing == 'raise':
        raise ValueError(
            f'{source.origin}: {problem}; an audio-visual model needs it '
            '(on_missing_audio="silence" goes on as if it were silent)')
    print_log(f'{source.origin}: {problem}, the rest counts as silence',
              logger='current', level=30)


def list_inputs(inputs: Any) -> list:
    """Flatten what a user passes into single inputs.

    A folder stands for the videos in it; a list for its items. A pair
    (folder, wav file) and a four-tuple with arrays are one input.

    Raises:
        ValueError: If a folder holds no video.
    """
    if isinstance(inputs, list):
        return [item for entry in inputs for item in list_inputs(entry)]
    if isinstance(inputs, str | os.PathLike) and Path(inputs).is_dir():
        videos = sorted((p for p in Path(inputs).iterdir()
                         if p.suffix.lower() in VIDEO_SUFFIXES),
                        key=natural_key)
        if not videos:
            raise ValueError(
                f'{inputs}: holds no video; for a folder of frames pass the '
                'pair (folder, wav file)')
        return [str(path) for path in videos]
    return [inputs]
