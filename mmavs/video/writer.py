# Copyright (c) OpenMMLab. All rights reserved.
"""Writing a video with its sound, frame by frame (PyAV)."""

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from .encoders import LAYOUTS, SoundTrack, VideoTrack


class VideoWriter:
    """Write an mp4 that plays in a browser: H.264, yuv420p and AAC.

    Frames and sound are encoded as they come and interleaved in the file, so
    memory does not grow with the length. The file appears under its name
    when it is complete. Used as a context manager.

    Args:
        path (str | PathLike): File to write, ``.mp4``.
        size (tuple[int, int]): Height and width of the frames; odd sizes are
            extended by a row or column, as the codec needs even ones.
        fps (float | Fraction): Frames per second.
        sample_rate (int, optional): Of the sound, in Hz; None writes no
            sound track. Defaults to None.
        channels (int): Channels of the sound, 1 to 8; more than two are
            mixed to stereo. Defaults to 1.
        quality (int): Constant rate factor of H.264, lower is better.
            Defaults to 20.
        variable_rate (bool): Frames carry their own times, see
            :meth:`write_frame`. Defaults to False.
        joinable (bool): Write a segment for :func:`join_segments`. Defaults
            to False.

    Raises:
        ValueError: If an argument is out of range.
        RuntimeError: If PyAV lacks a suitable encoder.
    """

    def __init__(self, path: str | os.PathLike, *, size: tuple[int, int],
                 fps: float | Fraction, sample_rate: int | None = None,
                 channels: int = 1, quality: int = 20,
                 variable_rate: bool = False,
                 joinable: bool = False) -> None:
        self.path = Path(path)
        if self.path.suffix.lower() not in ('.mp4', '.m4v', '.mov'):
            raise ValueError(f'{path}: videos are written as .mp4, give the '
                             'file that ending')
        if fps <= 0 or min(size) < 1:
            raise ValueError(f'{path}: fps and size must be positive, got '
                             f'{fps} and {size}')
        if channels not in LAYOUTS:
            raise ValueError(f'{path}: sound has 1 to 8 channels, got '
                             f'{channels}')
        self.size = tuple(size)
        self.fps = Fraction(fps).limit_denominator(100000)
        self.sample_rate = sample_rate
        self.channels = channels
        self._settings = dict(quality=quality, variable_rate=variable_rate,
                              joinable=joinable)

    @property
    def num_frames(self) -> int:
        """Frames written so far."""
        return self._video.num_frames

    @property
    def num_samples(self) -> int:
        """Samples written so far."""
        return self._sound.num_samples if self._sound else 0

    def __enter__(self) -> 'VideoWriter':
        self._file = appearing_mp4(self.path)
        container = self._file.__enter__()
        self._sound = None
        try:
            self._video = VideoTrack(container, size=self.size, fps=self.fps,
                                     **self._settings)
            if self.sample_rate:
                self._sound = SoundTrack(
                    container, sample_rate=self.sample_rate,
                    channels=self.channels)
        except BaseException as error:
            self._file.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def write_frame(self, frame: np.ndarray, *,
                    time: float | None = None) -> None:
        """Add a frame.

        Args:
            frame (np.ndarray): (H, W, 3) uint8 RGB.
            time (float, optional): In seconds, with ``variable_rate``; it
                must grow from frame to frame. Defaults to the constant rate.

        Raises:
            ValueError: If the frame has another size or type.
        """
        if frame.shape != (*self.size, 3) or frame.dtype != np.uint8:
            raise ValueError(
                f'{self.path}: frames must be uint8 of shape '
                f'{(*self.size, 3)}, got {frame.dtype} of {frame.shape}')
        self._video.write(frame, time)

    def write_audio(self, samples: np.ndarray) -> None:
        """Add sound.

        For a file that plays from a stream, and for flat memory, add the
        sound of a second or so, then its frames, and so on.

        Args:
            samples (np.ndarray): (n,) or (n, channels) float in [-1, 1].

        Raises:
            ValueError: If the writer has no sound track or the shape is
                wrong.
        """
        if not self.sample_rate:
            raise ValueError(f'{self.path}: give sample_rate to write sound')
        samples = np.asarray(samples, dtype=np.float32)
        samples = samples[:, None] if samples.ndim == 1 else samples
        if samples.ndim != 2 or samples.shape[1] != self.channels:
            raise ValueError(f'{self.path}: sound must be (n, '
                             f'{self.channels}), got {samples.shape}')
        self._sound.write(samples)

    def __exit__(self, kind, value, traceback) -> None:
        try:
            if kind is None:
                self._video.finish()
                if self._sound is not None:
                    self._sound.finish()
        except BaseException as error:
            self._file.__exit__(type(error), error, error.__traceback__)
            raise
        self._file.__exit__(kind, value, traceback)


@contextmanager
def appearing_mp4(path: Path) -> Iterator[av.container.OutputContainer]:
    """An mp4 to write into, which appears when the block ends.

    Its index goes to the front, for the web. If the block raises, nothing is
    left and what was at ``path`` stays as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = hidden_name(path)
    try:
        container = av.open(os.fspath(temporary), 'w', format='mp4',
                            options=dict(movflags='faststart'))
        try:
            yield container
        except BaseException:
            with suppress(Exception):
                container.close()
            raise
        container.close()
        os.replace(temporary, path)
    except BaseException:
        with suppress(FileNotFoundError):
            temporary.unlink()
        raise


def hidden_name(path: Path) -> Path:
    """A name beside ``path`` for a file that is not complete."""
    # The suffix stays last, as the container is chosen by it.
    return path.with_name(
        f'.{path.stem}.{os.getpid()}-{secrets.token_hex(4)}.tmp'
        f'{path.suffix}')


def write_video(path: str | os.PathLike, frames: Iterable[np.ndarray],
                fps: float | Fraction, *, audio: np.ndarray | None = None,
                sample_rate: int | None = None, quality: int = 20) -> int:
    """Write frames, and sound if given, as an mp4 for browsers.

    Frames may come from a generator; only one is held at a time.

    Args:
        path (str | PathLike): File to write, ``.mp4``. It appears when it
            is complete.
        frames (Iterable[np.ndarray]): (H, W, 3) uint8 RGB each.
        fps (float | Fraction): Frames per second.
        audio (np.ndarray, optional): (samples,) or (samples, channels)
            float in [-1, 1]; written whole, even if longer than the video.
            Defaults to None.
        sample_rate (int, optional): Of the sound, in Hz. Defaults to None.
        quality (int): Constant rate factor of H.264. Defaults to 20.

    Returns:
        int: Number of frames written.

    Raises:
        ValueError: If there is no frame, or the sound has no rate.
    """
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise ValueError(f'{path}: there are no frames to write')
    if audio is not None and not sample_rate:
        raise ValueError(f'{path}: sound needs its sample_rate')
    if audio is not None and audio.ndim == 1:
        audio = audio[:, None]
    with VideoWriter(
            path, size=first.shape[:2], fps=fps, quality=quality,
            sample_rate=None if audio is None else sample_rate,
            channels=1 if audio is None else audio.shape[1]) as writer:

        def sound_until(seconds: float) -> None:
            stop = int(round(seconds * sample_rate))
            if stop > writer.num_samples:
                writer.write_audio(audio[writer.num_samples:stop])

        frame = first
        while frame is not None:
            if audio is not None:
                sound_until(float((writer.num_frames + 1) / writer.fps))
            writer.write_frame(frame)
            frame = next(frames, None)
        if audio is not None:
            sound_until(len(audio) / sample_rate)
        return writer.num_frames
