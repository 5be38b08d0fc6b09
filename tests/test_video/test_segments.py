# Copyright (c) OpenMMLab. All rights reserved.
import errno
import os

import av
import numpy as np
import pytest

from mmavs.video import writer as writer_module
from mmavs.video.encoders import VIDEO_CODECS
from mmavs.video.segments import Segment, join_segments
from mmavs.video.source import VideoSource
from mmavs.video.writer import VideoWriter

RATE = 16000


def grey(level):
    return np.full((32, 48, 3), level, np.uint8)


def segment(path, levels, times):
    """A segment whose frames have these grey levels and times."""
    with VideoWriter(path, size=(32, 48), fps=10, variable_rate=True,
                     joinable=True) as writer:
        for level, time in zip(levels, times):
            writer.write_frame(grey(level), time=time - times[0])
    return Segment(path, times[0])


def silence(seconds):
    for _ in range(seconds):
        yield np.zeros((RATE, 1), np.float32)


def facts(path):
    """Times and levels of the frames, and the seconds of sound."""
    with av.open(str(path)) as container:
        frames = [(f.time, f.to_ndarray(format='rgb24').mean())
                  for f in container.decode(video=0)]
        sounds = container.streams.audio
        return ([time for time, _ in frames], [level for _, level in frames],
                float(sounds[0].duration * sounds[0].time_base)
                if sounds else None)


@pytest.mark.parametrize('codec', ['libx264', 'mpeg4'])
def test_frames_keep_their_times(tmp_path, monkeypatch, codec):
    monkeypatch.setattr('mmavs.video.encoders.VIDEO_CODECS', (codec, ))
    assert codec in VIDEO_CODECS
    # Uneven times, and a hole between the second and the third segment.
    times = [[0, 0.1, 0.2, 0.21], [0.3, 0.7, 0.8], [4.05]]
    levels = [[20, 30, 40, 50], [60, 70, 80], [90]]
    parts = [segment(tmp_path / f'{i}.mp4', level, time)
             for i, (level, time) in enumerate(zip(levels, times))]
    join_segments(tmp_path / 'all.mp4', parts, sound=silence(5),
                  sample_rate=RATE)
    found_times, found_levels, sound = facts(tmp_path / 'all.mp4')
    assert found_times == pytest.approx(sum(times, []), abs=1e-4)
    assert found_levels == pytest.approx(sum(levels, []), abs=4)
    assert sound == pytest.approx(5, abs=0.1)


def test_sound_ends_where_it_is_told_to(tmp_path):
    part = segment(tmp_path / 'a.mp4', [9, 9], [0, 0.5])
    join_segments(tmp_path / 'all.mp4', [part], sound=silence(9),
                  sample_rate=RATE, sound_stop=2.5)
    assert facts(tmp_path / 'all.mp4')[2] == pytest.approx(2.5, abs=0.1)
    join_segments(tmp_path / 'all.mp4', [part])
    assert facts(tmp_path / 'all.mp4')[2] is None
    with pytest.raises(ValueError, match='no frames'):
        join_segments(tmp_path / 'none.mp4', [])


def test_the_same_segments_give_the_same_bytes(tmp_path):
    parts = [segment(tmp_path / f'{i}.mp4', range(20), np.arange(20) / 10 + i)
             for i in (0, 2)]
    for name in ('one', 'two'):
        join_segments(tmp_path / f'{name}.mp4', parts, sound=silence(4),
                      sample_rate=RATE)
    assert (tmp_path / 'one.mp4').read_bytes() == (
        tmp_path / 'two.mp4').read_bytes()


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    part = segment(tmp_path / 'a.mp4', [9, 9], [0, 0.5])
    name = tmp_path / 'on the full disk.mp4'

    def full(path):
        name.symlink_to('/dev/full')
        return name

    monkeypatch.setattr(writer_module, 'hidden_name', full)
    with pytest.raises(OSError) as raised:
        join_segments(tmp_path / 'all.mp4', [part])
    assert raised.value.errno == errno.ENOSPC
    with pytest.raises(OSError) as raised:
        segment(tmp_path / 'b.mp4', [9], [0])
    assert raised.value.errno == errno.ENOSPC
    assert os.listdir(tmp_path) == ['a.mp4']


def test_frames_from_the_middle_are_those_of_the_whole(tmp_path,
                                                       monkeypatch):
    monkeypatch.setattr('mmavs.video.source._WORTH_SEEKING', 0.)
    rng = np.random.default_rng(0)
    for name, codec in (('a.mp4', 'libx264'), ('a.avi', 'mpeg4'),
                        ('a.ts', 'libx264'), ('a.mkv', 'libx264')):
        with av.open(str(tmp_path / name), 'w') as container:
            stream = container.add_stream(codec, rate=10)
            stream.width, stream.height, stream.pix_fmt = 48, 32, 'yuv420p'
            stream.codec_context.gop_size = 12
            for _ in range(60):
                picture = rng.integers(0, 256, (4, 6, 3), dtype=np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(
                    picture.repeat(8, 0).repeat(8, 1), format='rgb24')))
            container.mux(stream.encode(None))
        source = VideoSource(tmp_path / name)
        whole = list(source.frames())
        for start in (0.05, 2.3, 3.61, 5.9, 9.):
            found = list(source.frames(start))
            assert found[0][0] <= start
            rest = whole[-len(found):]
            assert [t for t, _ in found] == [t for t, _ in rest]
            assert all(np.array_equal(a, b) for (_, a), (_, b)
                       in zip(found, rest))
        late = list(source.frames_at([3.3, 4.75]))
        for frame, time in zip(late, (3.3, 4.75)):
            shown = [f for t, f in whole if t <= time + 1e-6][-1]
            assert np.array_equal(frame, shown)
