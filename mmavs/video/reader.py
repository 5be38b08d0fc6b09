# Copyright (c) OpenMMLab. All rights reserved.
"""Reading frames at given times, and the sound, of a video file (PyAV).

Time 0 is the first frame of the video; the sound is placed accordingly, also
where its track begins earlier or later.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import av
import numpy as np
import torch
from torch import Tensor

from mmavs.audio import SAMPLE_RATE, mix_down, resample

# A hole in the sound up to this long is silence, a longer one an error.
_MAX_GAP = 60.0
_JITTER = 0.02
MAX_PIXELS = 2**26


class VideoError(ValueError):
    """A video file that is broken or lacks a track."""


@dataclass(frozen=True)
class VideoInfo:
    """What a video file says of itself.

    Args:
        duration (float): Seconds of the video track, 0 where unknown.
        fps (float): Average frames per second.
        has_audio (bool): Whether there is an audio track.
    """

    duration: float
    fps: float
    has_audio: bool


@contextmanager
def _open(path: str | os.PathLike) -> Iterator[av.container.InputContainer]:
    """Open a file and turn every error of PyAV into one that names it."""
    if not os.path.isfile(path):
        raise FileNotFoundError(f'{path}: there is no such video')
    try:
        with open_container(path) as container:
            if not container.streams.video:
                raise VideoError(f'{path}: has no video track')
            yield container
    except av.FFmpegError as error:
        raise VideoError(f'{path}: cannot be decoded ({error}); it is broken '
                         'or no video, try "ffmpeg -i FILE -c copy NEW.mp4"'
                         ) from error


def check_codec(stream: av.stream.Stream, path: str | os.PathLike) -> None:
    """Check that there is a decoder for a track.

    Raises:
        VideoError: If its codec is not known.
    """
    if stream.codec_context is None:
        raise VideoError(f'{path}: its {stream.type} has a codec that is not '
                         'known; the file is broken, or convert it with '
                         '"ffmpeg -i FILE NEW.mp4"')


def open_container(path: str | os.PathLike) -> av.container.InputContainer:
    """Open a file with PyAV so that a broken one can do no harm.

    Text in it that is no UTF-8 is replaced, and frames of more than 2^26
    pixels are refused before there is memory for them.
    """
    container = av.open(os.fspath(path), metadata_errors='replace')
    for stream in container.streams.video:
        check_codec(stream, path)
        stream.codec_context.options = dict(max_pixels=str(MAX_PIXELS))
    return container


def _frame_rate(stream: av.VideoStream, path: str | os.PathLike) -> float:
    rate = stream.average_rate or stream.guessed_rate
    if not rate:
        raise VideoError(f'{path}: has no frame rate; write it again with '
                         '"ffmpeg -i FILE -r 25 NEW.mp4"')
    return float(rate)


def probe_video(path: str | os.PathLike) -> VideoInfo:
    """Read what a video file says of itself, without decoding it.

    Args:
        path (str | PathLike): The file.

    Returns:
        VideoInfo: Duration, rate and whether there is sound.

    Raises:
        FileNotFoundError: If there is no such file.
        VideoError: If it is no video.
    """
    with _open(path) as container:
        stream = container.streams.video[0]
        if stream.duration:
            duration = float(stream.duration * stream.time_base)
        else:
            duration = (container.duration or 0) / av.time_base
        return VideoInfo(duration, _frame_rate(stream, path),
                         bool(container.streams.audio))


def iter_frames(path: str | os.PathLike
                ) -> Iterator[tuple[float, av.VideoFrame]]:
    """Decode a video frame by frame.

    Args:
        path (str | PathLike): The file.

    Yields:
        tuple: Time in seconds since the first frame, and the frame. Turn it
        into pixels with :func:`to_rgb`.

    Raises:
        FileNotFoundError: If there is no such file.
        VideoError: If it is no video or broken.
    """
    with _open(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = 'AUTO'
        step = 1 / _frame_rate(stream, path)
        start = None
        time = -step
        for frame in container.decode(stream):
            # A frame without a time stamp follows the one before it.
            stamp = frame.time
            if stamp is not None and start is None:
                start = stamp - (time + step)
            time = time + step if stamp is None else stamp - start
            check_whole(frame, time, path)
            yield time, frame


def check_whole(frame: av.VideoFrame, time: float,
                path: str | os.PathLike) -> None:
    """Check that the decoder had to make nothing up.

    Raises:
        VideoError: If parts of the frame are guessed.
    """
    if frame.is_corrupt:
        raise VideoError(
            f'{path}: is damaged at {max(0, time):.1f} s; get it again, or '
            'patch it up with "ffmpeg -i FILE NEW.mp4"')


def to_rgb(frame: av.VideoFrame) -> np.ndarray:
    """Turn a frame into (H, W, 3) uint8 RGB, upright as players show it."""
    pixels = frame.to_ndarray(format='rgb24')
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(pixels, turns))


def read_frames(path: str | os.PathLike,
                times: Sequence[float]) -> list[np.ndarray]:
    """Read the frames that are shown at given times.

    Decodes up to the last time and keeps only what was asked for.

    Args:
        path (str | PathLike): The file.
        times (Sequence[float]): Seconds since the first frame, in any
            order; after the end the last frame is given.

    Returns:
        list[ndarray]: (H, W, 3) uint8 RGB for each time, upright.

    Raises:
        FileNotFoundError: If there is no such file.
        VideoError: If it is no video, broken, or empty.
    """
    order = sorted(range(len(times)), key=times.__getitem__)
    frames: list[np.ndarray | None] = [None] * len(times)
    waiting = iter(order)
    place = next(waiting, None)
    shown = None  # the frame on the screen before the present one
    for time, frame in iter_frames(path):
        pixels = None
        # Half a millisecond forgives the rounding of time stamps.
        while place is not None and times[place] + 5e-4 < time:
            if pixels is None:
                pixels = to_rgb(shown if shown is not None else frame)
            frames[place] = pixels
            place = next(waiting, None)
        if place is None:
            break
        shown = frame
    if place is not None:
        if shown is None:
            raise VideoError(f'{path}: has no frame')
        pixels = to_rgb(shown)
        for rest in (place, *waiting):
            frames[rest] = pixels
    return frames


def read_audio(path: str | os.PathLike, *, sample_rate: int = SAMPLE_RATE,
               duration: float | None = None,
               on_missing: str = 'raise') -> Tensor:
    """Read the sound of a video as a mono waveform.

    Args:
        path (str | PathLike): The file.
        sample_rate (int): Rate of the result in Hz. Defaults to 16000.
        duration (float, optional): Read no more than this many seconds from
            the first frame on. Defaults to None.
        on_missing (str): For a video without an audio track: 'raise' or
            'silence' (as long as the video). Defaults to 'raise'.

    Returns:
        Tensor: (samples,) float32, the mean of the channels.

    Raises:
        FileNotFoundError: If there is no such file.
        VideoError: If it is broken, or has no audio track and
            ``on_missing='raise'``.
    """
    if on_missing not in ('raise', 'silence'):
        raise ValueError("on_missing must be 'raise' or 'silence', got "
                         f'{on_missing!r}')
    info = probe_video(path)
    if not info.has_audio:
        if on_missing == 'raise':
            raise VideoError(f'{path}: has no audio track; treat it as '
                             'silent with on_missing="silence"')
        seconds = info.duration if duration is None else duration
        return torch.zeros(round(seconds * sample_rate))
    limit = None if duration is None else duration + 0.1
    mono, rate = _decode_audio(path, limit)
    waveform = resample(torch.from_numpy(mono), rate, sample_rate)
    if duration is not None:
        waveform = waveform[:round(duration * sample_rate)]
    return waveform


def _decode_audio(path: str | os.PathLike,
                  limit: float | None) -> tuple[np.ndarray, int]:
    """Mean of the channels from the first video frame on, and the rate."""
    with _open(path) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        zero = float((video.start_time or 0) * video.time_base)
        check_codec(audio, path)
        rate = audio.rate
        to_float = av.AudioResampler(format='fltp')
        pieces: list[np.ndarray] = []
        end = 0  # samples so far
        for frame in container.decode(audio):
            stamp = end / rate if frame.time is None else frame.time - zero
            for part in to_float.resample(frame):
                channels = torch.from_numpy(part.to_ndarray())
                samples = mix_down(channels).numpy()
                piece = _place(samples, stamp * rate, end, rate, path)
                pieces.append(piece)
                end += len(piece)
                stamp += len(samples) / rate
            if limit is not None and end >= limit * rate:
                break
    mono = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
    return mono.astype(np.float32), rate


def _place(samples: np.ndarray, start: float, end: int, rate: int,
           path: str | os.PathLike) -> np.ndarray:
    """What to append to ``end`` samples so that these begin at ``start``."""
    gap = round(start) - end
    if abs(gap) <= _JITTER * rate:
        return samples
    if gap > _MAX_GAP * rate:
        raise VideoError(f'{path}: its sound has a hole of {gap / rate:.0f} '
                         's; its time stamps are broken')
    if gap > 0:
        return np.concatenate([np.zeros(gap, samples.dtype), samples])
    return samples[-gap:]  # before the first frame, or heard already
