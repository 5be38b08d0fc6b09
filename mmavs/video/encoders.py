# Copyright (c) OpenMMLab. All rights reserved.
"""The two tracks of an mp4 that plays in a browser (PyAV)."""

from contextlib import suppress
from fractions import Fraction
from typing import Any

import av
import numpy as np
from mmengine.logging import print_log

# In order of preference; all but the last play in current browsers.
VIDEO_CODECS = ('libx264', 'libopenh264', 'libvpx-vp9', 'mpeg4')
# Ticks per second where frames have their own times; not every codec counts
# as fast.
_CLOCKS = dict(mpeg4=60000)
_CLOCK = 90000
_AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000,
              64000, 88200, 96000)
LAYOUTS = {1: 'mono', 2: 'stereo', 3: '2.1', 4: 'quad', 5: '5.0', 6: '5.1',
           7: '6.1', 8: '7.1'}


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


class VideoTrack:
    """H.264 (or what there is) in an open container.

    Args:
        container (av.container.OutputContainer): Where it goes.
        size (tuple[int, int]): Height and width of the frames; odd sizes are
            extended by a row or column, as the codec needs even ones.
        fps (Fraction): Frames per second.
        quality (int): Constant rate factor, lower is better.
        variable_rate (bool): Frames carry their own times.
        joinable (bool): No frame refers to a later one, so that files can
            be put one after the other without encoding them again.
    """

    def __init__(self, container: av.container.OutputContainer, *,
                 size: tuple[int, int], fps: Fraction, quality: int,
                 variable_rate: bool, joinable: bool) -> None:
        name = choose_video_codec()
        stream = container.add_stream(name, rate=fps)
        stream.height, stream.width = (side + side % 2 for side in size)
        stream.pix_fmt = 'yuv420p'
        context = stream.codec_context
        clock = _CLOCKS.get(name, _CLOCK) if variable_rate else fps
        context.time_base = 1 / Fraction(clock)
        context.gop_size = max(1, round(fps * 2))
        if joinable:
            context.max_b_frames = 0
        # Name the conversion that is made from RGB (BT.601), since players
        # guess another one for large pictures.
        context.colorspace, context.color_range = 6, 1
        if name == 'libx264':
            # x264's macroblock tree reads memory that it never wrote: the
            # same pictures gave other bytes now and then.
            context.options = dict(crf=str(quality), preset='veryfast',
                                   mbtree='0')
        elif name == 'libvpx-vp9':
            context.options = dict(crf=str(quality + 10), b='0',
                                   deadline='realtime', cpu_used='6')
        self._container, self._stream = container, stream
        self._pad = [(0, side % 2) for side in size] + [(0, 0)]
        self._fps, self._clock = fps, Fraction(clock)
        self.num_frames = 0

    def write(self, frame: np.ndarray, time: float | None) -> None:
        """Add a frame (H, W, 3) uint8 RGB; without a time, the next one."""
        if any(after for _, after in self._pad):
            frame = np.pad(frame, self._pad, mode='edge')
        picture = av.VideoFrame.from_ndarray(
            np.ascontiguousarray(frame), format='rgb24')
        picture = picture.reformat(format='yuv420p')
        time = self.num_frames / self._fps if time is None else time
        picture.pts = round(time * self._clock)
        picture.time_base = 1 / self._clock
        self._container.mux(self._stream.encode(picture))
        self.num_frames += 1

    def finish(self) -> None:
        """Write what the encoder still holds."""
        self._container.mux(self._stream.encode(None))


class SoundTrack:
    """AAC in an open container.

    Args:
        container (av.container.OutputContainer): Where it goes.
        sample_rate (int): Of the sound, in Hz.
        channels (int): 1 to 8; more than two are mixed to stereo.
    """

    def __init__(self, container: av.container.OutputContainer, *,
                 sample_rate: int, channels: int) -> None:
        rate = sample_rate if sample_rate in _AAC_RATES else 48000
        layout = 'mono' if channels == 1 else 'stereo'
        self._container = container
        self._stream = container.add_stream('aac', rate=rate, layout=layout)
        # Three times as fast as the other coder, for long videos.
        self._stream.codec_context.options = dict(aac_coder='fast')
        self._convert = av.AudioResampler(
            format='fltp', layout=layout, rate=rate,
            frame_size=self._stream.codec_context.frame_size or 1024)
        self._rate, self._channels = sample_rate, channels
        self.num_samples = 0

    def write(self, samples: np.ndarray) -> None:
        """Add samples (n, channels) float32 in [-1, 1]."""
        if not len(samples):
            return
        block = np.ascontiguousarray(np.clip(samples, -1, 1).T)
        frame = av.AudioFrame.from_ndarray(
            block, format='fltp', layout=LAYOUTS[self._channels])
        frame.sample_rate = self._rate
        frame.time_base = Fraction(1, self._rate)
        frame.pts = self.num_samples
        self._encode(frame)
        self.num_samples += len(samples)

    def _encode(self, frame: Any) -> None:
        for piece in self._convert.resample(frame):
            self._container.mux(self._stream.encode(piece))

    def finish(self) -> None:
        """Write what the encoder still holds."""
        if self.num_samples:
            self._encode(None)
        self._container.mux(self._stream.encode(None))
