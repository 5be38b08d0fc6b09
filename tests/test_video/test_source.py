# Copyright (c) OpenMMLab. All rights reserved.
from fractions import Fraction

import av
import numpy as np
import pytest

from mmavs.audio import resample
from mmavs.video.reader import VideoError
from mmavs.video.sound_window import SoundWindow
from mmavs.video.source import VideoSource, count_seconds
from mmavs.video.writer import VideoWriter, write_video


def grey(level, size=(32, 48)):
    return np.full((*size, 3), level, np.uint8)


def tone(seconds, rate, channels=1):
    wave = 0.5 * np.sin(np.arange(round(seconds * rate)) * 0.05)
    return np.stack([wave] * channels, axis=1).astype(np.float32)


def make(path, *, seconds=2., fps=10, rate=16000, channels=1,
         sound_seconds=None):
    frames = (grey(20 + 8 * i % 200) for i in range(round(seconds * fps)))
    write_video(path, frames, fps, sample_rate=rate, audio=tone(
        sound_seconds or seconds, rate, channels) if rate else None)
    return path


@pytest.mark.parametrize('rate,channels', [(8000, 1), (44100, 2),
                                           (96000, 6), (None, 0)])
def test_facts(tmp_path, rate, channels):
    source = VideoSource(make(tmp_path / 'a.mp4', rate=rate,
                              channels=channels))
    assert source.size == (32, 48) and source.num_frames == 20
    assert source.fps == pytest.approx(10)
    assert source.duration == pytest.approx(2)
    assert source.sample_rate == rate
    assert source.channels == min(channels, 2)  # the writer mixed six
    assert source.audio_duration == pytest.approx(2 * bool(rate), abs=0.15)


def test_more_than_two_channels(tmp_path):
    path = tmp_path / 'a.mkv'
    with av.open(str(path), 'w') as container:
        video = container.add_stream('mpeg4', rate=10)
        video.width, video.height, video.pix_fmt = 48, 32, 'yuv420p'
        audio = container.add_stream('aac', rate=96000, layout='5.1')
        for level in range(10):
            frame = av.VideoFrame.from_ndarray(grey(level), format='rgb24')
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        block = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(tone(1, 96000, 6).T), format='fltp',
            layout='5.1')
        block.sample_rate, block.pts = 96000, 0
        container.mux(audio.encode(block))
        container.mux(audio.encode(None))
    source = VideoSource(path)
    assert (source.channels, source.sample_rate) == (6, 96000)
    sound = np.concatenate(list(source.sound()))
    assert sound.shape[1] == 6 and len(sound) / 96000 == pytest.approx(
        1, abs=0.05)


def test_frames_on_screen(tmp_path):
    source = VideoSource(make(tmp_path / 'a.mp4'))
    times = [0, 0.05, 0.1, 0.95, 1.9375, 7.]
    levels = [frame.mean() for frame in source.frames_at(times)]
    expected = [20 + 8 * min(int(t * 10 + 1e-6), 19) for t in times]
    assert levels == pytest.approx(expected, abs=4)
    assert [t for t, _ in source.frames()] == pytest.approx(
        np.arange(20) / 10)


def test_variable_frame_rate(tmp_path):
    times = [0, 0.1, 0.5, 0.55, 2.0]
    with VideoWriter(tmp_path / 'a.mp4', size=(32, 48), fps=10,
                     variable_rate=True) as writer:
        for index, time in enumerate(times):
            writer.write_frame(grey(40 * index), time=time)
    source = VideoSource(tmp_path / 'a.mp4')
    assert [t for t, _ in source.frames()] == pytest.approx(times, abs=1e-3)
    found = [f.mean() for f in source.frames_at([0.4, 0.52, 1.9, 2.1])]
    assert found == pytest.approx([40, 80, 120, 160], abs=4)


@pytest.mark.parametrize('turn', [90, 180, 270])
def test_rotated_phone_video_is_upright(tmp_path, turn):
    path = tmp_path / 'a.mp4'
    picture = grey(30)
    picture[:16, :24] = 220  # upper left
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('mpeg4', rate=10)
        stream.width, stream.height, stream.pix_fmt = 48, 32, 'yuv420p'
        if not hasattr(stream, 'set_display_rotation'):
            pytest.skip('this PyAV cannot write a rotation flag')
        stream.set_display_rotation(turn)
        for _ in range(5):
            container.mux(stream.encode(
                av.VideoFrame.from_ndarray(picture, format='rgb24')))
        container.mux(stream.encode(None))
    source = VideoSource(path)
    expected = np.rot90(picture, turn // 90)
    assert source.size == expected.shape[:2]
    _, frame = next(source.frames())
    assert np.abs(frame.astype(int) - expected).mean() < 6


def test_sound_that_begins_before_the_first_frame(tmp_path):
    path = tmp_path / 'a.mp4'
    with VideoWriter(path, size=(32, 48), fps=10, sample_rate=16000,
                     variable_rate=True) as writer:
        writer.write_audio(tone(2, 16000))
        for index in range(10):
            writer.write_frame(grey(9), time=0.5 + index / 10)
    source = VideoSource(path)
    assert source.sound_start == pytest.approx(-0.5, abs=0.01)
    assert source.audio_duration == pytest.approx(1.5, abs=0.1)
    assert next(source.frames())[0] == 0
    samples = sum(len(block) for block in source.sound())
    assert samples / 16000 == pytest.approx(2, abs=0.1)


def test_sound_track_by_number(tmp_path):
    path = tmp_path / 'a.mkv'
    with av.open(str(path), 'w') as container:
        video = container.add_stream('mpeg4', rate=10)
        video.width, video.height, video.pix_fmt = 48, 32, 'yuv420p'
        tracks = [container.add_stream('pcm_s16le', rate=8000, layout='mono')
                  for _ in range(2)]
        for _ in range(10):
            container.mux(video.encode(
                av.VideoFrame.from_ndarray(grey(9), format='rgb24')))
        container.mux(video.encode(None))
        for level, track in zip((0.25, 0.75), tracks):
            block = av.AudioFrame.from_ndarray(
                np.full((1, 8000), round(level * 32768), np.int16),
                format='s16', layout='mono')
            block.sample_rate, block.pts = 8000, 0
            container.mux(track.encode(block))
    for index, level in enumerate((0.25, 0.75)):
        source = VideoSource(path, audio_stream=index)
        sound = np.concatenate(list(source.sound()))
        assert np.abs(sound).max() == pytest.approx(level, abs=1e-3)
    with pytest.raises(VideoError, match='has 2 sound tracks'):
        VideoSource(path, audio_stream=2)


def test_one_frame(tmp_path):
    source = VideoSource(make(tmp_path / 'a.mp4', seconds=0.1, rate=None))
    assert source.num_frames == 1 and count_seconds(source.duration) == 1
    assert len(list(source.frames_at([0.9375]))) == 1


@pytest.mark.parametrize('duration,seconds', [
    (0.04, 1), (1.4, 1), (1.5, 2), (14.03, 14), (14.5, 15)])
def test_seconds_of_a_video(duration, seconds):
    assert count_seconds(duration) == seconds


def test_bad_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='no such file'):
        VideoSource(tmp_path / 'nix.mp4')
    text = tmp_path / 'text.mp4'
    text.write_text('no video at all ' * 100)
    with pytest.raises(VideoError, match='text.mp4: is not a video'):
        VideoSource(text)
    data = make(tmp_path / 'a.mp4', seconds=6).read_bytes()
    cut = tmp_path / 'cut.mp4'
    cut.write_bytes(data[:len(data) // 2])  # the index is in front
    with pytest.raises(VideoError, match=r'cut.mp4: is (cut short|damaged)'):
        VideoSource(cut)
    cut.write_bytes(data[:100])
    with pytest.raises(VideoError, match='cut.mp4: (is|holds no)'):
        VideoSource(cut)


def test_sound_alone_is_no_video(tmp_path):
    path = tmp_path / 'a.m4a'
    with av.open(str(path), 'w', format='mp4') as container:
        audio = container.add_stream('aac', rate=16000, layout='mono')
        block = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(tone(1, 16000).T), format='fltp',
            layout='mono')
        block.sample_rate, block.pts = 16000, 0
        block.time_base = Fraction(1, 16000)
        container.mux(audio.encode(block))
        container.mux(audio.encode(None))
    with pytest.raises(VideoError, match='holds no video'):
        VideoSource(path)


def test_unreadable_file(tmp_path, monkeypatch):
    path = make(tmp_path / 'a.mp4')

    def refuse(*args, **kwargs):
        raise PermissionError(13, 'Permission denied', str(path))

    monkeypatch.setattr('builtins.open', refuse)
    with pytest.raises(PermissionError, match='a.mp4'):
        VideoSource(path)


@pytest.mark.parametrize('rate', [8000, 16000, 44100])
def test_stretches_are_those_of_the_whole_recording(rate):
    import torch
    rng = np.random.default_rng(0)
    sound = rng.normal(0, 0.2, (6 * rate, 2)).astype(np.float32)
    whole = resample(torch.from_numpy(sound.mean(axis=1)), rate,
                     16000).numpy()
    blocks = (sound[i:i + 1024] for i in range(0, len(sound), 1024))
    window = SoundWindow(blocks, rate)
    for start, stop in ((0, 2), (1.5, 3.5), (2.1, 4.1), (4, 6)):
        part = window.between(start, stop)
        expected = whole[round(start * 16000):round(stop * 16000)]
        assert len(part) == len(expected)
        np.testing.assert_allclose(part[100:-100], expected[100:-100],
                                   atol=2e-3)


def test_stretches_at_the_borders():
    sound = np.ones((16000, 1), np.float32)
    early = SoundWindow([sound], 16000).between(-0.5, 0.5)
    assert early.tolist() == [0.] * 8000 + [1.] * 8000
    short = SoundWindow([sound], 16000)
    assert len(short.between(0, 3)) == 16000
    assert short.between(2, 3).tolist() == [0.] * 16000
    later = SoundWindow([sound], 16000, begin=-0.25)
    assert len(later.between(0, 2)) == 12000


def test_only_the_surroundings_are_kept():
    rate = 8000
    blocks = (np.zeros((rate, 1), np.float32) for _ in range(200))
    window = SoundWindow(blocks, rate)
    for start in range(0, 190, 5):
        window.between(start, start + 5)
        assert len(window._kept) <= 12 * rate
