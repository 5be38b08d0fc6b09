# Copyright (c) OpenMMLab. All rights reserved.
import struct
from fractions import Fraction

import av
import numpy as np
import pytest
import torch

from mmavs.video.reader import (
    VideoError,
    iter_frames,
    probe_video,
    read_audio,
    read_frames,
)


def _write(path, *, seconds=2, fps=10, rate=44100, size=(48, 64),
           audio=True, video=True, audio_start=0.0):
    """A video whose frame k is grey 8k, with a tone of 440 Hz."""
    with av.open(str(path), 'w') as container:
        if video:
            stream = container.add_stream('mpeg4', rate=fps)
            stream.height, stream.width = size
            stream.pix_fmt = 'yuv420p'
            stream.bit_rate = 2_000_000
        if audio:
            sound = container.add_stream('aac', rate=rate, layout='stereo')
        if video:
            for k in range(seconds * fps):
                pixels = np.full((*size, 3), 8 * k, np.uint8)
                pixels[:size[0] // 4, :size[1] // 4] = 255  # top left
                frame = av.VideoFrame.from_ndarray(pixels, format='rgb24')
                frame.pts, frame.time_base = k, Fraction(1, fps)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        if audio:
            time = np.arange(seconds * rate) / rate
            tone = 0.5 * np.sin(2 * np.pi * 440 * time)
            both = np.stack([tone, 0 * tone]).astype(np.float32)
            for start in range(0, both.shape[1], 1024):
                frame = av.AudioFrame.from_ndarray(
                    np.ascontiguousarray(both[:, start:start + 1024]),
                    format='fltp', layout='stereo')
                frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
                frame.pts = start + round(audio_start * rate)
                container.mux(sound.encode(frame))
            container.mux(sound.encode(None))
    return path


def _grey(frame):
    return frame[-8:, -8:].mean() / 8


def test_frames_at_times(tmp_path):
    path = _write(tmp_path / 'a.mp4')
    times = [0.0, 0.1, 0.99, 1.05, 0.05, 7.0, 0.1]
    frames = read_frames(path, times)
    # What a player shows: the last frame that has begun.
    expected = [0, 1, 9, 10, 0, 19, 1]
    assert [round(_grey(frame)) for frame in frames] == expected
    assert frames[0].shape == (48, 64, 3) and frames[0].dtype == np.uint8
    assert read_frames(path, []) == []
    assert len(list(iter_frames(path))) == 20


def test_probe(tmp_path):
    info = probe_video(_write(tmp_path / 'a.mp4'))
    assert info.duration == pytest.approx(2.0, abs=0.05)
    assert info.fps == 10 and info.has_audio
    assert not probe_video(_write(tmp_path / 'b.mp4',
                                  audio=False)).has_audio


@pytest.mark.parametrize('matrix, corner', [
    ((1, 0, 0, 1), (0, 0)),
    ((0, 1, -1, 0), (0, 1)),  # a quarter turn to the right
    ((-1, 0, 0, -1), (1, 1)),
    ((0, -1, 1, 0), (1, 0))])
def test_rotation_is_obeyed(tmp_path, matrix, corner):
    """The bright corner goes where a player would show it."""
    path = _write(tmp_path / 'a.mp4', audio=False)
    data = path.read_bytes()
    start = data.index(b'tkhd')
    one = 1 << 16
    plain = struct.pack('>9i', one, 0, 0, 0, one, 0, 0, 0, 1 << 30)
    a, b, c, d = (one * n for n in matrix)
    turned = struct.pack('>9i', a, b, 0, c, d, 0, 0, 0, 1 << 30)
    place = data.index(plain, start)
    path.write_bytes(data[:place] + turned + data[place + len(plain):])
    frame = read_frames(path, [0.0])[0]
    sideways = matrix[0] == 0
    assert frame.shape == ((64, 48, 3) if sideways else (48, 64, 3))
    rows, columns = ((slice(0, 8), slice(-8, None))[n] for n in corner)
    assert frame[rows, columns].mean() > 200
    assert frame.mean() < 60


def test_sound_is_mono_at_the_asked_rate(tmp_path):
    path = _write(tmp_path / 'a.mp4')
    waveform = read_audio(path)
    assert waveform.dtype == torch.float32
    assert abs(len(waveform) - 32000) < 1600
    spectrum = torch.fft.rfft(waveform[8000:24000]).abs()
    assert spectrum.argmax() == 440
    # The mean of a tone of 0.5 and silence.
    assert waveform[8000:24000].abs().max() == pytest.approx(0.25, abs=0.03)
    assert len(read_audio(path, duration=1.0)) == 16000
    assert len(read_audio(path, duration=1.0, sample_rate=8000)) == 8000
    torch.testing.assert_close(read_audio(path, duration=1.0),
                               waveform[:16000], atol=1e-5, rtol=0)


def test_sound_that_begins_later_is_preceded_by_silence(tmp_path):
    path = _write(tmp_path / 'a.mkv', audio_start=0.5)
    waveform = read_audio(path)
    assert waveform[:7000].abs().max() < 0.01
    assert waveform[9500:12000].abs().max() > 0.2


def test_a_video_without_sound_is_an_error_or_silence(tmp_path):
    path = _write(tmp_path / 'mute.mp4', audio=False)
    with pytest.raises(VideoError, match=r'mute\.mp4.*no audio track.*'
                       'on_missing="silence"'):
        read_audio(path)
    silence = read_audio(path, on_missing='silence')
    assert abs(len(silence) - 32000) < 200 and not silence.any()
    assert len(read_audio(path, on_missing='silence', duration=5)) == 80000
    with pytest.raises(ValueError, match='on_missing'):
        read_audio(path, on_missing='ignore')


def test_what_is_no_video_is_named(tmp_path):
    good = _write(tmp_path / 'a.mp4').read_bytes()
    for name, content in (('empty.mp4', b''), ('text.mp4', b'hello' * 99),
                          ('cut.mp4', good[:len(good) // 2])):
        path = tmp_path / name
        path.write_bytes(content)
        for read in (probe_video, read_audio,
                     lambda p: read_frames(p, [0.0])):
            with pytest.raises(VideoError, match=name):
                read(path)
    with pytest.raises(FileNotFoundError, match=r'none\.mp4'):
        read_frames(tmp_path / 'none.mp4', [0.0])
    only_sound = _write(tmp_path / 'sound.mp4', video=False)
    with pytest.raises(VideoError, match='no video track'):
        read_audio(only_sound)


@pytest.mark.parametrize('name, shape', [
    ('skateboarding_dog', (1024, 576)), ('boat', (336, 592)),
    ('applausing', (480, 720)), ('silence_girl', (336, 596))])
def test_real_videos(shared_dir, name, shape):
    path = shared_dir / 'media' / 'videos' / f'{name}.mp4'
    frames = read_frames(path, [0.9, 1.9])
    assert [frame.shape for frame in frames] == [(*shape, 3)] * 2
    assert (frames[0] != frames[1]).any()
    if name == 'silence_girl':
        with pytest.raises(VideoError, match='no audio track'):
            read_audio(path)
        return
    waveform = read_audio(path, duration=5.0)
    assert len(waveform) == 80000
    assert 0.001 < waveform.abs().max() <= 1.5
