# Copyright (c) OpenMMLab. All rights reserved.
import av
import numpy as np
import pytest

from mmavs.visualization.clip_video import write_clip_video

T = 3


@pytest.fixture
def clip():
    frames = [np.full((40, 60, 3), 40 + 60 * t, np.uint8) for t in range(T)]
    masks = np.zeros((T, 20, 30), np.uint8)
    masks[:, 5:15, 5:15] = 1
    return frames, masks


def decode(path):
    with av.open(str(path)) as container:
        frames = [f.to_ndarray(format='rgb24')
                  for f in container.decode(video=0)]
        audio = [(s.codec_context.name, float(s.duration * s.time_base))
                 for s in container.streams.audio]
    return np.stack(frames).astype(int), audio


def test_each_frame_is_shown_while_it_sounds(clip, tmp_path):
    path = tmp_path / 'clip.mp4'
    wave = np.sin(np.arange(T * 16000) / 10).astype(np.float32)
    write_clip_video(path, *clip, waveform=wave, sample_rate=16000, fps=4)
    frames, audio = decode(path)
    assert frames.shape == (4 * T, 40, 60, 3)
    assert audio[0][0] == 'aac' and audio[0][1] == pytest.approx(T, abs=0.1)
    background = frames[:, 34, 50].mean(axis=-1)
    assert np.abs(background - np.repeat([40, 100, 160], 4)).max() < 4
    inside = frames[:, 20, 20]
    assert (inside[:, 0] - inside[:, 2] > 60).all()  # orange


def test_ground_truth_beside_and_sound_below(clip, tmp_path):
    frames, masks = clip
    path = tmp_path / 'clip.mp4'
    write_clip_video(path, frames, masks, targets=masks, fps=2,
                     log_mel=np.zeros((T, 1, 1, 96, 64), np.float32))
    found, audio = decode(path)
    assert found.shape == (2 * T, 72, 120, 3) and audio == []
    right = found[:, 20, 80]
    assert (right[:, 1] - right[:, 0] > 40).all()  # green
    # The playhead moves over the strip from left to right.
    heads = found[:, 60].sum(axis=-1).argmax(axis=-1)
    assert (np.diff(heads) > 5).all()


def test_frames_alone_and_smaller(clip, tmp_path):
    write_clip_video(tmp_path / 'a.mp4', clip[0], fps=2, height=20)
    assert decode(tmp_path / 'a.mp4')[0].shape == (2 * T, 20, 30, 3)


def test_frames_and_masks_must_agree(clip, tmp_path):
    with pytest.raises(ValueError, match='3 frames but 2 masks'):
        write_clip_video(tmp_path / 'a.mp4', clip[0], clip[1][:2])
    assert list(tmp_path.iterdir()) == []
