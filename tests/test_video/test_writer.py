# Copyright (c) OpenMMLab. All rights reserved.
import os
import subprocess
import sys
from fractions import Fraction

import av
import numpy as np
import pytest

from mmavs.video import encoders as module
from mmavs.video.encoders import choose_video_codec
from mmavs.video.writer import VideoWriter, write_video


def pictures(num, size=(48, 64)):
    """Smooth frames that get brighter, as codecs like them."""
    base = np.linspace(0, 100, size[1])[None, :, None]
    for index in range(num):
        yield np.broadcast_to(
            base + 5 * index, (*size, 3)).astype(np.uint8)


def tone(seconds, rate, channels=1, frequency=440):
    time = np.arange(round(seconds * rate)) / rate
    wave = 0.5 * np.sin(2 * np.pi * frequency * time)
    return np.stack([wave] * channels, axis=1).astype(np.float32)


def decode(path):
    """Frames (N, H, W, 3), sound (n, channels) and the streams' data."""
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        frames = np.stack([f.to_ndarray(format='rgb24')
                           for f in container.decode(video)])
        facts = dict(rate=video.average_rate, codec=video.codec_context.name,
                     pix_fmt=video.codec_context.pix_fmt,
                     audio=[s.codec_context.name
                            for s in container.streams.audio])
    sound = None
    if facts['audio']:
        with av.open(str(path)) as container:
            stream = container.streams.audio[0]
            facts['sample_rate'] = stream.rate
            sound = np.concatenate([
                f.to_ndarray() for f in container.decode(stream)], axis=1).T
    return frames, sound, facts


def boxes(path):
    """Names of an mp4's outer boxes, in order."""
    data, names, place = path.read_bytes(), [], 0
    while place < len(data):
        size = int.from_bytes(data[place:place + 4], 'big')
        names.append(data[place + 4:place + 8].decode())
        place += size
    return names


@pytest.mark.parametrize('fps', [1, 8, Fraction(30000, 1001), 29.97])
def test_frames_come_back(tmp_path, fps):
    path = tmp_path / 'new folder' / 'a.mp4'
    assert write_video(path, pictures(12), fps) == 12
    frames, sound, facts = decode(path)
    assert sound is None
    assert facts['rate'] == Fraction(fps).limit_denominator(100000)
    assert facts['codec'] == 'h264' and facts['pix_fmt'] == 'yuv420p'
    expected = np.stack(list(pictures(12)))
    assert frames.shape == expected.shape
    assert np.abs(frames.astype(int) - expected).mean() < 2
    names = boxes(path)
    assert names.index('moov') < names.index('mdat')
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize('rate,channels,layout', [
    (16000, 1, 1), (44100, 2, 2), (8000, 1, 1), (96000, 6, 2),
    (22051, 1, 1)])
def test_sound_comes_back(tmp_path, rate, channels, layout):
    path = tmp_path / 'a.mp4'
    write_video(path, pictures(16), 8, audio=tone(2, rate, channels),
                sample_rate=rate)
    _, sound, facts = decode(path)
    assert facts['audio'] == ['aac'] and sound.shape[1] == layout
    assert len(sound) / facts['sample_rate'] == pytest.approx(2, abs=0.14)
    middle = sound[len(sound) // 4:len(sound) // 2, 0]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    peak = spectrum.argmax() * facts['sample_rate'] / len(middle)
    assert peak == pytest.approx(440, abs=5)


def test_mono_samples_need_no_channel_axis(tmp_path):
    write_video(tmp_path / 'a.mp4', pictures(4), 4,
                audio=tone(1, 16000)[:, 0], sample_rate=16000)
    assert decode(tmp_path / 'a.mp4')[1].shape[1] == 1


def test_sound_is_in_step_with_the_frames(tmp_path):
    wave = np.zeros(3 * 16000, dtype=np.float32)
    wave[16000:32000] = tone(1, 16000)[:, 0]
    path = tmp_path / 'a.mp4'
    write_video(path, pictures(24), 8, audio=wave, sample_rate=16000)
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        loud = [frame.time for frame in container.decode(stream)
                if np.abs(frame.to_ndarray()).max() > 0.25]
    assert min(loud) == pytest.approx(1, abs=0.1)
    assert max(loud) == pytest.approx(2, abs=0.1)


def test_odd_sizes_are_extended_at_the_border(tmp_path):
    write_video(tmp_path / 'a.mp4', pictures(3, (31, 45)), 2)
    frames, _, _ = decode(tmp_path / 'a.mp4')
    assert frames.shape == (3, 32, 46, 3)
    expected = next(pictures(1, (31, 45)))
    assert np.abs(frames[0, :31, :45].astype(int) - expected).mean() < 3
    assert np.abs(frames[0, 31, :45].astype(int) - expected[30]).mean() < 3


def test_frames_and_sound_are_interleaved(tmp_path):
    """Neither stream is held back until the other is complete."""
    path = tmp_path / 'a.mp4'
    write_video(path, pictures(160), 8, audio=tone(20, 16000),
                sample_rate=16000)
    place = dict(video=0., audio=0.)
    with av.open(str(path)) as container:
        for packet in sorted(
                (p for p in container.demux() if p.dts is not None),
                key=lambda packet: packet.pos):
            place[packet.stream.type] = float(packet.dts * packet.time_base)
            assert abs(place['video'] - place['audio']) < 6


def test_frames_are_written_while_others_are_made(tmp_path):
    sizes = []

    def noise():
        rng = np.random.default_rng(0)
        for _ in range(150):
            yield rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
            sizes.append(sum(f.stat().st_size for f in tmp_path.iterdir()))

    write_video(tmp_path / 'a.mp4', noise(), 5)
    total = (tmp_path / 'a.mp4').stat().st_size
    assert 0.3 * total < sizes[-1] <= total
    assert sizes[75] < 0.6 * total


def test_a_failure_leaves_nothing_and_keeps_the_old_file(tmp_path):
    def broken():
        yield from pictures(3)
        raise OSError('source is gone')

    path = tmp_path / 'a.mp4'
    path.write_text('old')
    with pytest.raises(OSError, match='source is gone'):
        write_video(path, broken(), 5)
    assert path.read_text() == 'old' and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize('joinable', [False, True])
def test_both_ways_of_writing_start_at_zero(tmp_path, joinable):
    path = tmp_path / 'a.mp4'
    with VideoWriter(path, size=(48, 64), fps=25, sample_rate=44100,
                     joinable=joinable) as writer:
        for frame in pictures(50):
            writer.write_audio(np.zeros(1764))
            writer.write_frame(frame)
    with av.open(str(path)) as container:
        for stream in container.streams:
            assert stream.start_time == 0
            assert stream.duration * stream.time_base == pytest.approx(2)


def test_frames_with_their_own_times(tmp_path):
    times = [0, 0.1, 0.5, 0.55, 2.0]
    with VideoWriter(tmp_path / 'a.mp4', size=(48, 64), fps=10,
                     variable_rate=True) as writer:
        for frame, time in zip(pictures(5), times):
            writer.write_frame(frame, time=time)
    with av.open(str(tmp_path / 'a.mp4')) as container:
        found = [frame.time for frame in container.decode(video=0)]
    assert found == pytest.approx(times, abs=1e-3)


def test_another_codec_is_used_and_named(tmp_path, monkeypatch):
    monkeypatch.setattr(module, 'VIDEO_CODECS', ('libnothing', 'mpeg4'))
    messages = []
    monkeypatch.setattr(module, 'print_log',
                        lambda text, **_: messages.append(text))
    write_video(tmp_path / 'a.mp4', pictures(4), 5)
    assert decode(tmp_path / 'a.mp4')[2]['codec'] == 'mpeg4'
    assert 'no libnothing' in messages[0] and 'mpeg4' in messages[0]
    monkeypatch.setattr(module, 'VIDEO_CODECS', ('libnothing', ))
    with pytest.raises(RuntimeError, match='pip install --upgrade av'):
        choose_video_codec()
    with pytest.raises(RuntimeError, match='libnothing'):
        write_video(tmp_path / 'b.mp4', pictures(4), 5)
    assert [p.name for p in tmp_path.iterdir()] == ['a.mp4']


@pytest.mark.parametrize('kwargs,message', [
    (dict(path='a.avi'), 'give the file that ending'),
    (dict(frames=[]), 'no frames'),
    (dict(fps=0), 'must be positive'),
    (dict(audio=np.zeros(4)), 'sample_rate'),
    (dict(audio=np.zeros((4, 9)), sample_rate=8000), '1 to 8 channels'),
    (dict(frames=[np.zeros((4, 4, 3), np.uint8),
                  np.zeros((4, 6, 3), np.uint8)]), r'got uint8 of \(4, 6'),
    (dict(frames=[np.zeros((4, 4, 3))]), 'got float64')])
def test_bad_arguments_are_explained(tmp_path, kwargs, message):
    arguments = dict(path='a.mp4', frames=pictures(2), fps=5) | kwargs
    arguments['path'] = tmp_path / arguments['path']
    with pytest.raises(ValueError, match=message):
        write_video(**arguments)
    assert list(tmp_path.iterdir()) == []


def test_sound_of_the_wrong_shape_is_explained(tmp_path):
    with pytest.raises(ValueError, match='give sample_rate'):
        with VideoWriter(tmp_path / 'a.mp4', size=(4, 4), fps=1) as writer:
            writer.write_audio(np.zeros(4))
    with pytest.raises(ValueError, match=r'must be \(n, 2\)'):
        with VideoWriter(tmp_path / 'a.mp4', size=(4, 4), fps=1, channels=2,
                         sample_rate=8000) as writer:
            writer.write_audio(np.zeros((4, 3)))


NOISE = """
import sys
import numpy as np
from mmavs.video.writer import write_video
coarse = np.random.default_rng(0).integers(
    0, 256, (12, 30, 40, 3), dtype=np.uint8)
frames = (np.kron(c, np.ones((8, 8, 1), np.uint8)) for c in coarse)
write_video(sys.argv[1], frames, 6)
"""


@pytest.mark.skipif(sys.platform != 'linux', reason='glibc fills its memory')
def test_bytes_do_not_depend_on_what_memory_held(tmp_path):
    found = set()
    for fill in (1, 77, 255):
        path = tmp_path / f'{fill}.mp4'
        subprocess.run([sys.executable, '-c', NOISE, str(path)], check=True,
                       env=os.environ | {'MALLOC_PERTURB_': str(fill)})
        found.add(path.read_bytes())
    assert len(found) == 1
