# Copyright (c) OpenMMLab. All rights reserved.
"""Damaged files give one of our errors or a result, and cost little memory.

The quick part; ``tests/fuzz/run.py`` goes on for as long as one likes.
"""

import io
import os
import resource
import struct
import zlib
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mmavs.audio import read_wav, read_wav_info
from mmavs.datasets.errors import ClipError
from mmavs.datasets.transforms import LoadClipFrames
from mmavs.video import VideoError, read_frames
from tests.fuzz.targets import TARGETS

EXAMPLES = dict(wav=30, mp4=12, jpg=40)


@cache
def seeds(name):
    return TARGETS[name].seeds()


@st.composite
def damaged(draw, name):
    """A valid file, cut short or with some bytes changed."""
    content = bytearray(draw(st.sampled_from(seeds(name))))
    near = st.integers(0, min(len(content), 100) - 1)
    place = near | st.integers(0, len(content) - 1)
    if draw(st.integers(0, 4)) == 0:
        return bytes(content[:draw(place)])
    for at in draw(st.lists(place, min_size=1, max_size=8)):
        content[at] = draw(st.sampled_from(
            [0, 127, 128, 255, content[at] ^ 1, content[at] ^ 128])
            | st.integers(0, 255))
    return bytes(content)


@pytest.mark.parametrize('name', TARGETS)
def test_valid_files_are_read(name):
    assert [TARGETS[name](content) for content in seeds(name)] == (
        [None] * len(seeds(name)))


@pytest.mark.parametrize('name', TARGETS)
def test_damaged_files(name):
    @settings(max_examples=EXAMPLES.get(name, 60), deadline=None,
              database=None)
    @given(damaged(name))
    def check(content):
        TARGETS[name](content)

    check()


@pytest.mark.parametrize('name', TARGETS)
def test_other_files_under_the_name(name):
    for content in (b'', b'\0' * 64, b'RIFF', b'{}', b'PK\x03\x04',
                    b'%!PS-Adobe-3.0 EPSF-3.0\n'
                    b'%%BoundingBox: 0 0 9 9\n(x) run\n'):
        assert TARGETS[name](content) is not None


@pytest.mark.parametrize('name', ['wav', 'pickle', 'checkpoint', 'png',
                                  'jpg'])
def test_every_truncation_is_noticed(name):
    """Half a file never passes as a whole one."""
    content = seeds(name)[0]
    for size in np.linspace(0, len(content) - 40, 25).astype(int):
        assert TARGETS[name](content[:size]) is not None, size


@pytest.mark.parametrize('place', range(20, 36))
def test_a_wrong_bit_in_the_format_of_a_wav_is_noticed(place):
    """Rate, channels, width and length are there twice."""
    whole = seeds('wav')[0]
    for bit in range(8):
        content = bytearray(whole)
        content[place] ^= 1 << bit
        # 0 bytes a second is what some programs write
        if any(content[28:32]):
            assert TARGETS['wav'](bytes(content)) is not None


def test_a_wav_that_claims_to_be_shorter_is_noticed(tmp_path):
    content = bytearray(seeds('wav')[0])
    assert content[36:40] == b'data'
    content[40:44] = struct.pack('<I', 100)
    assert 'goes on' in TARGETS['wav'](bytes(content))


@pytest.fixture
def little_memory():
    """Let this process have only 256 MB more than it has."""
    with open('/proc/self/statm') as file:
        used = int(file.read().split()[0]) * os.sysconf('SC_PAGE_SIZE')
    old = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, old[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, old)


def test_a_wav_header_of_a_billion_samples(tmp_path, little_memory):
    header = struct.pack('<4sI4s4sIHHIIHH4sI', b'RIFF', 4_000_000_036,
                         b'WAVE', b'fmt ', 16, 1, 1, 16000, 64000, 4, 32,
                         b'data', 4_000_000_000)
    path = tmp_path / 'a.wav'
    path.write_bytes(header + bytes(400))
    for reader in (read_wav, read_wav_info):
        with pytest.raises(ValueError, match='promises 1000000000 samples'):
            reader(path)


def png(width, height):
    def chunk(name, data):
        return struct.pack('>I', len(data)) + name + data + struct.pack(
            '>I', zlib.crc32(name + data))
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack(
        '>IIBBBBB', width, height, 8, 2, 0, 0, 0)) + chunk(
            b'IDAT', zlib.compress(bytes(1000))) + chunk(b'IEND', b'')


@pytest.mark.parametrize('width, height', [
    (60_000, 60_000), (9_000, 9_000), (1, 2**31 - 1), (2**31 - 1, 1)])
def test_a_png_header_of_billions_of_pixels(tmp_path, little_memory, width,
                                            height):
    path = tmp_path / 'a.png'
    path.write_bytes(png(width, height))
    with pytest.raises(ClipError, match='a.png.*cannot be decoded'):
        LoadClipFrames().transform(dict(clip_id='c', frame_paths=[str(path)]))


def test_a_pickle_of_a_huge_tensor(tmp_path, little_memory):
    """One value, repeated by a stride of 0."""
    content = TARGETS['pickle'].seeds()[0]
    at = content.index(b'K\x02K\x01K\x03K\x04')  # its size
    big = b'J\xff\xff\xff\x00K\x01K\x40K\x40'
    found = TARGETS['pickle'](content[:at] + big + content[at + 8:])
    assert 'too large' in found or 'reaches beyond' in found


def test_a_video_of_huge_frames(tmp_path, monkeypatch):
    path = tmp_path / 'a.mp4'
    path.write_bytes(seeds('mp4')[0])
    assert len(read_frames(path, [0.])) == 1
    monkeypatch.setattr('mmavs.video.reader.MAX_PIXELS', 2000)
    with pytest.raises(VideoError, match='a.mp4'):
        read_frames(path, [0.])


def test_made_up_parts_of_a_frame_are_noticed():
    """Decoders fill in what is broken and go on without a word."""
    content = seeds('mp4')[0]
    start = content.index(b'mdat') + 4
    found = []
    for at in range(start + 900, start + 3000, 300):
        broken = bytearray(content)
        broken[at:at + 8] = b'\xff' * 8
        found.append(TARGETS['mp4'](bytes(broken)))
    assert sum('is damaged' in (text or '') for text in found) >= 3, found


def test_no_other_program_decodes_pictures(tmp_path, monkeypatch):
    """A PostScript file under the name of a frame would run ghostscript."""
    buffer = io.BytesIO()
    Image.new('RGB', (8, 8)).save(buffer, 'EPS')
    monkeypatch.setattr('subprocess.check_call', None)
    assert 'cannot be decoded' in TARGETS['png'](buffer.getvalue())
