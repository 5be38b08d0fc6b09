# Copyright (c) OpenMMLab. All rights reserved.
"""Writing a video with its sound, frame by frame (PyAV)."""

import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from mmengine.logging import print_log

# In order of preference; all but the last play in current browsers.
VIDEO_CODECS = ('libx264', 'libopenh264', 'libvpx-vp9', 'mpeg4')
_AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000,
              64000, 88200, 96000)
_LAYOUTS = {1: 'mono', 2: 'stereo', 3: '2.1', 4: 'quad', 5: '5.0', 6: '5.1',
            7: '6.1', 8: '7.1'}
_CLOCK = 90000  # ticks per second where frames have their own times


def choose_video_codec() -> str:
    """Best encoder this PyAV has; a warning says if it is not libx264.

    Raises:
        RuntimeError: If it has none of ``VIDEO_CODECS``.
    """
    for name in VIDEO_CODECS:
        with suppress(av.codec.codec.UnknownCodecError):
            av.codec.Codec(name, 'w')
            if name != VIDEO_CODECS[0]:
                print_log(
                    f'this PyAV has no {VIDEO_CODECS[0]}: writing video with '
                    f'{name}, which some players do not support; "pip '
                    'install --upgrade av" gets a build with it',
                    logger='current', level=30)
            return name
    raise RuntimeError(
        f'this PyAV can encode none of {", ".join(VIDEO_CODECS)}; install '
        'one that can: "pip install --upgrade av"')


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
        keep_partial (bool): If writing stops early, leave what there is as a
            playable ``<name>.partial.mp4``. Defaults to False.

    Raises:
        ValueError: If an argument is out of range.
        RuntimeError: If PyAV lacks a suitable encoder.
    """

    def __init__(self, path: str | os.PathLike, *, size: tuple[int, int],
                 fps: float | Fraction, sample_rate: int | None = None,
                 channels: int = 1, quality: int = 20,
                 variable_rate: bool = False,
                 keep_partial: bool = False) -> None:
        self.path = Path(path)
        if self.path.suffix.lower() not in ('.mp4', '.m4v', '.mov'):
            raise ValueError(f'{path}: videos are written as .mp4, give the '
                             'file that ending')
        if fps <= 0 or min(size) < 1:
            raise ValueError(f'{path}: fps and size must be positive, got '
                             f'{fps} and {size}')
        if channels not in _LAYOUTS:
            raise ValueError(f'{path}: sound has 1 to 8 channels, got '
                             f'{channels}')
        self.size = tuple(size)
        self.fps = Fraction(fps).limit_denominator(100000)
        self.sample_rate = sample_rate
        self.channels = channels
        self.quality = quality
        self.variable_rate = variable_rate
        self.keep_partial = keep_partial
        self.num_frames = 0
        self.num_samples = 0
        self.partial_path = self.path.with_name(
            f'{self.path.stem}.partial{self.path.suffix}')
        self._container = None

    def __enter__(self) -> 'VideoWriter':
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Fragments can be played although the file has no end yet;
        # otherwise the index goes to the front, for the web.
        options = (dict(movflags='frag_keyframe+delay_moov'
                        '+default_base_moof', flush_packets='1')
                   if self.keep_partial else dict(movflags='faststart'))
        self._temporary = (
            self.partial_path if self.keep_partial else self._hidden_name())
        self._container = av.open(os.fspath(self._temporary), 'w',
                                  format='mp4', options=options)
        try:
            self._add_video()
            if self.sample_rate:
                self._add_audio()
        except BaseException:
            self.__exit__(ValueError, None, None)
            raise
        return self

    def _hidden_name(self) -> Path:
        # The suffix stays last, as the container is chosen by it.
        return self.path.with_name(
            f'.{self.path.stem}.{os.getpid()}-{secrets.token_hex(4)}.tmp'
            f'{self.path.suffix}')

    def _add_video(self) -> None:
        name = choose_video_codec()
        stream = self._container.add_stream(name, rate=self.fps)
        stream.height = self.size[0] + self.size[0] % 2
        stream.width = self.size[1] + self.size[1] % 2
        stream.pix_fmt = 'yuv420p'
        context = stream.codec_context
        context.time_base = (Fraction(1, _CLOCK) if self.variable_rate
                             else 1 / self.fps)
        context.gop_size = max(1, round(self.fps * 2))
        # Name the conversion that is made from RGB (BT.601), since players
        # guess another one for large pictures.
        context.colorspace, context.color_range = 6, 1
        if name == 'libx264':
            context.options = dict(crf=str(self.quality), preset='veryfast')
        elif name == 'libvpx-vp9':
            context.options = dict(crf=str(self.quality + 10), b='0',
                                   deadline='realtime', cpu_used='6')
        self._video = stream

    def _add_audio(self) -> None:
        rate = self.sample_rate if self.sample_rate in _AAC_RATES else 48000
        layout = 'mono' if self.channels == 1 else 'stereo'
        self._audio = self._container.add_stream('aac', rate=rate,
                                                 layout=layout)
        self._resampler = av.AudioResampler(
            format='fltp', layout=layout, rate=rate,
            frame_size=self._audio.codec_context.frame_size or 1024)

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
        pad = [(0, n % 2) for n in self.size] + [(0, 0)]
        if any(after for _, after in pad):
            frame = np.pad(frame, pad, mode='edge')
        picture = av.VideoFrame.from_ndarray(
            np.ascontiguousarray(frame), format='rgb24')
        picture = picture.reformat(format='yuv420p')
        picture.pts = self.num_frames
        picture.time_base = 1 / self.fps
        if self.variable_rate:
            time = self.num_frames / self.fps if time is None else time
            picture.pts = round(time * _CLOCK)
            picture.time_base = Fraction(1, _CLOCK)
        self._container.mux(self._video.encode(picture))
        self.num_frames += 1

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
        if not len(samples):
            return
        block = np.ascontiguousarray(np.clip(samples, -1, 1).T)
        frame = av.AudioFrame.from_ndarray(
            block, format='fltp', layout=_LAYOUTS[self.channels])
        frame.sample_rate = self.sample_rate
        frame.time_base = Fraction(1, self.sample_rate)
        frame.pts = self.num_samples
        self._encode_audio(frame)
        self.num_samples += len(samples)

    def _encode_audio(self, frame: Any) -> None:
        for piece in self._resampler.resample(frame):
            self._container.mux(self._audio.encode(piece))

    def __exit__(self, kind, value, traceback) -> None:
        container, self._container = self._container, None
        try:
            if kind is None or self.keep_partial:
                self._container = container
                self._flush()
                self._container = None
            container.close()
        except BaseException:
            with suppress(Exception):
                container.close()
            if kind is None:
                self._discard()
                raise
        if kind is not None:
            # Nothing to keep: the container could not even be set up.
            if not self.keep_partial or not self.num_frames:
                self._discard()
            return
        if self.keep_partial:
            final = self._hidden_name()
            try:
                remux(self._temporary, final)
                os.replace(final, self.path)
            finally:
                with suppress(FileNotFoundError):
                    final.unlink()
            self._temporary.unlink()
        else:
            os.replace(self._temporary, self.path)

    def _flush(self) -> None:
        self._container.mux(self._video.encode(None))
        if self.sample_rate:
            if self.num_samples:
                self._encode_audio(None)
            self._container.mux(self._audio.encode(None))

    def _discard(self) -> None:
        with suppress(FileNotFoundError):
            self._temporary.unlink()


def remux(source: str | os.PathLike, target: str | os.PathLike) -> None:
    """Copy the streams of a video into an mp4 with its index in front."""
    with av.open(os.fspath(source)) as reader, av.open(
            os.fspath(target), 'w', format='mp4',
            options=dict(movflags='faststart')) as writer:
        streams = {
            stream.index: (writer.add_stream_from_template(stream) if hasattr(
                writer, 'add_stream_from_template') else
                           writer.add_stream(template=stream))
            for stream in reader.streams
            if stream.type in ('video', 'audio')}
        for packet in reader.demux():
            if packet.dts is None or packet.stream.index not in streams:
                continue  # the empty packet that ends a stream
            packet.stream = streams[packet.stream.index]
            writer.mux(packet)


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
