# Copyright (c) OpenMMLab. All rights reserved.
"""Decoding of RIFF wav files with no library behind it.

The header is not believed: never more is read than the file holds, so a
broken one cannot ask for memory, and a file cut short is told from a whole
one (common readers return what is there without a word).
"""

import os
import struct
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_OPEN_ENDED = (0xFFFFFFFF, 0x7FFFFFFF, 0xFFFFFFFE)
MIN_RATE, MAX_RATE = 1_000, 768_000
MAX_CHANNELS = 64


@dataclass(frozen=True)
class WavInfo:
    """What a wav file holds.

    Args:
        sample_rate (int): Samples per second and channel.
        num_channels (int): Number of channels.
        num_samples (int): Samples per channel.
        is_float (bool): Whether samples are floats, not integers.
        bits (int): Bits per sample.
        data_start (int): Position of the first sample in the file.
    """

    sample_rate: int
    num_channels: int
    num_samples: int
    is_float: bool
    bits: int
    data_start: int

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.num_samples / self.sample_rate


def read_wav_info(path: str | os.PathLike) -> WavInfo:
    """Read the header of a wav file and check it against the file's size.

    Args:
        path (str | PathLike): A RIFF wav file: PCM of 8, 16, 24 or 32 bits
            or float of 32 or 64 bits.

    Returns:
        WavInfo: What it holds.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no such wav file or is cut short.
    """
    with open(path, 'rb') as f:
        return _parse(f, path)


def read_wav(path: str | os.PathLike, *,
             max_seconds: float | None = None) -> tuple[np.ndarray, int]:
    """Read a wav file.

    Args:
        path (str | PathLike): See :func:`read_wav_info`.
        max_seconds (float, optional): Read no more than this from the
            start. Defaults to None.

    Returns:
        tuple: float32 samples (channels, samples), integers scaled to
        [-1, 1), and the sample rate.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no such wav file, is cut short, or holds
            samples that are not finite.
    """
    with open(path, 'rb') as f:
        info = _parse(f, path)
        count = info.num_samples
        if max_seconds is not None:
            count = min(count, int(np.ceil(max_seconds * info.sample_rate)))
        f.seek(info.data_start)
        raw = f.read(count * info.num_channels * info.bits // 8)
    samples = _decode(raw, info).reshape(-1, info.num_channels)
    if info.is_float and not np.isfinite(samples).all():
        raise ValueError(f'{path}: holds samples that are not finite; write '
                         'the file again')
    return np.ascontiguousarray(samples.T), info.sample_rate


def _parse(f: BinaryIO, path: str | os.PathLike) -> WavInfo:
    size = os.fstat(f.fileno()).st_size
    head = f.read(12)
    if len(head) < 12 or head[:4] != b'RIFF' or head[8:] != b'WAVE':
        raise ValueError(
            f'{path}: is not a RIFF wav file; convert it, for example with '
            '"ffmpeg -i INPUT -ac 1 -ar 16000 OUTPUT.wav"')
    fmt = None
    position = 12
    while position + 8 <= size:
        f.seek(position)
        name, length = struct.unpack('<4sI', f.read(8))
        position += 8
        if name == b'fmt ':
            fmt = _parse_format(f.read(min(length, 40)), path)
        elif name == b'data':
            if fmt is None:
                raise ValueError(f'{path}: has samples before their format; '
                                 'the file is broken')
            info = _make_info(fmt, position, length, size - position, path)
            _check_end(f, position + length + length % 2, path)
            return info
        position += length + length % 2  # chunks are padded to even length
    raise ValueError(f'{path}: has no samples; the file is broken or cut '
                     'short')


def _check_end(f: BinaryIO, end: int, path: str | os.PathLike) -> None:
    """What follows the samples must be a chunk, or padding.

    Else the length is wrong and part of the sound would go unheard.
    """
    f.seek(end)
    name = f.read(4)
    if any(name) and not all(32 <= letter < 127 for letter in name):
        raise ValueError(f'{path}: its sound goes on after the length that '
                         'it claims; its header is broken, copy it again')


def _parse_format(fmt: bytes, path: str | os.PathLike
                  ) -> tuple[int, int, bool, int]:
    if len(fmt) < 16:
        raise ValueError(f'{path}: its format header is cut short')
    tag, channels, rate, pace, block, bits = struct.unpack(
        '<HHIIHH', fmt[:16])
    if tag == _EXTENSIBLE and len(fmt) >= 26:
        tag = struct.unpack('<H', fmt[24:26])[0]
    supported = {_PCM: (8, 16, 24, 32), _FLOAT: (32, 64)}.get(tag, ())
    if bits not in supported:
        raise ValueError(
            f'{path}: encoding {tag} with {bits} bits is not supported (PCM '
            'of 8, 16, 24, 32 bits and float of 32, 64 bits are); convert '
            'it, for example with "ffmpeg -i INPUT -c:a pcm_s16le '
            'OUTPUT.wav"')
    if not 1 <= channels <= MAX_CHANNELS:
        raise ValueError(f'{path}: claims {channels} channels; the file is '
                         'broken')
    if not MIN_RATE <= rate <= MAX_RATE:
        raise ValueError(f'{path}: claims a rate of {rate} Hz; the file is '
                         'broken')
    if block != channels * bits // 8 or pace not in (0, rate * block):
        raise ValueError(
            f'{path}: claims {rate} Hz, {channels} channels of {bits} bits, '
            f'but also {pace} bytes a second in blocks of {block}; its '
            'header is broken, copy it again')
    return channels, rate, tag == _FLOAT, bits


def _make_info(fmt: tuple[int, int, bool, int], start: int, claimed: int,
               available: int, path: str | os.PathLike) -> WavInfo:
    channels, rate, is_float, bits = fmt
    block = channels * bits // 8
    # A program that wrote to a pipe could not know the length.
    length = available if claimed in _OPEN_ENDED else claimed
    if length > available:
        raise ValueError(
            f'{path}: promises {claimed // block} samples but holds '
            f'{available // block}; it is cut short, copy it again')
    return WavInfo(rate, channels, length // block, is_float, bits, start)


def _decode(raw: bytes, info: WavInfo) -> np.ndarray:
    """Turn bytes into float32 in [-1, 1): (samples * channels,)."""
    if info.is_float:
        return np.frombuffer(raw, f'<f{info.bits // 8}').astype(np.float32)
    if info.bits == 8:  # the only unsigned one
        return (np.frombuffer(raw, 'u1').astype(np.float32) - 128) / 128
    if info.bits == 24:  # into the upper three bytes of 32 bits
        wide = np.zeros((len(raw) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(raw, np.uint8).reshape(-1, 3)
        values, bits = wide.view('<i4')[:, 0], 32
    else:
        values, bits = np.frombuffer(raw, f'<i{info.bits // 8}'), info.bits
    return values.astype(np.float32) / 2.0**(bits - 1)
