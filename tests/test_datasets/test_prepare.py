# Copyright (c) OpenMMLab. All rights reserved.
import os
from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from PIL import Image

from mmavs.audio import log_mel_spectrogram, read_waveform
from mmavs.datasets import AVSBenchMS3Dataset, AVSBenchS4Dataset
from mmavs.datasets.check import check_data_set
from mmavs.datasets.check_files import CheckOptions
from mmavs.datasets.prepare import (
    frame_times,
    resize_like_opencv,
    run_jobs,
)
from mmavs.datasets.prepare_plan import (
    drop_from_csv,
    find_videos,
    plan_avsbench,
    plan_videos,
)
from mmavs.io.tensor_pickle import load_tensor_pickle
from mmavs.video.reader import iter_frames, to_rgb


def _video(path, *, seconds=2, fps=12, audio=True):
    """A video whose frame k is grey 7k."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('mpeg4', rate=fps)
        stream.height, stream.width, stream.pix_fmt = 32, 48, 'yuv420p'
        stream.bit_rate = 2_000_000
        sound = container.add_stream('aac', rate=16000,
                                     layout='mono') if audio else None
        for k in range(seconds * fps):
            frame = av.VideoFrame.from_ndarray(
                np.full((32, 48, 3), 7 * k, np.uint8), format='rgb24')
            frame.pts, frame.time_base = k, Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if audio:
            noise = np.random.default_rng(0).normal(size=16000 * seconds)
            for start in range(0, len(noise), 1024):
                frame = av.AudioFrame.from_ndarray(
                    (noise[None, start:start + 1024] * 0.1).astype(
                        np.float32), format='fltp', layout='mono')
                frame.sample_rate, frame.pts = 16000, start
                frame.time_base = Fraction(1, 16000)
                container.mux(sound.encode(frame))
            container.mux(sound.encode(None))
    return path


@pytest.mark.parametrize('fps, expected', [
    (30, [28, 58, 88, 118, 148]), (24, [22, 46, 70, 94, 118]),
    (25, [23, 48, 73, 98, 123]), (30000 / 1001, [28, 58, 88, 118, 148])])
def test_frame_times_are_the_official_frames(fps, expected):
    times = frame_times(fps, 5)
    assert [round(time * fps) for time in times] == expected


def test_resizing_is_bilinear_without_antialiasing():
    cv2 = pytest.importorskip('cv2')
    frame = np.random.default_rng(0).integers(0, 256, (97, 131, 3), np.uint8)
    ours = resize_like_opencv(frame, 40).astype(int)
    theirs = cv2.resize(frame, (40, 40), interpolation=cv2.INTER_LINEAR)
    assert np.abs(ours - theirs).max() <= 1


def test_a_data_set_from_any_videos(tmp_path):
    raw, root = tmp_path / 'raw', tmp_path / 'data'
    _video(raw / 'one.mp4')
    _video(raw / 'deep' / 'two.mkv')
    _video(raw / 'mute.mp4', audio=False)
    _video(raw / 'short.mp4', seconds=1)
    (raw / 'broken.mp4').write_bytes(b'no video')
    (raw / 'notes.txt').write_text('')
    kwargs = dict(num_seconds=3, blank_masks=True)
    jobs = plan_videos(root, find_videos([raw]), 'test', **kwargs)
    calls = []
    report = run_jobs(jobs, size=64, progress=lambda: calls.append(1))
    assert len(calls) == 5 and sorted(report.done) == ['one', 'two']
    failed = {os.path.basename(path): text
              for path, text in report.failed.items()}
    assert 'no audio track' in failed['mute.mp4']
    assert 'only 1.00 s' in failed['short.mp4']
    assert 'cannot be decoded' in failed['broken.mp4']

    again = run_jobs(jobs[:0] + [j for j in jobs if j.clip_id == 'mute'],
                     size=64, on_missing='silence')
    assert again.done == ['mute']
    drop_from_csv(root, {'short', 'broken'})
    clips = AVSBenchMS3Dataset(data_root=str(root), split='test',
                               num_seconds=3)
    assert [clip['clip_id'] for clip in clips] == ['two', 'mute', 'one']
    assert not read_waveform(clips[1]['audio_path']).any()


def test_an_interrupted_run_goes_on(tmp_path):
    _video(tmp_path / 'raw' / 'one.mp4')
    _video(tmp_path / 'raw' / 'two.mp4')
    jobs = plan_videos(tmp_path, find_videos([tmp_path / 'raw']), 'val',
                       num_seconds=2)
    assert run_jobs(jobs).done and run_jobs(jobs).skipped == ['one', 'two']
    os.remove(jobs[1].log_mel)
    stamp = os.stat(jobs[0].wav).st_mtime_ns
    report = run_jobs(jobs)
    assert report.done == ['two'] and report.skipped == ['one']
    assert os.stat(jobs[0].wav).st_mtime_ns == stamp
    assert len(run_jobs(jobs, overwrite=True).done) == 2


def test_what_is_written_fits_together(tmp_path):
    _video(tmp_path / 'one.mp4', seconds=3)
    job, = plan_videos(tmp_path, [tmp_path / 'one.mp4'], 'test',
                       num_seconds=2, blank_masks=True)
    run_jobs([job], size=32)
    options = CheckOptions(num_seconds=2)
    assert not check_data_set(str(tmp_path), 'ms3',
                              options=options).problems
    assert check_data_set(str(tmp_path), 'ms3').problems  # not 5 s long
    greys = [np.asarray(Image.open(path)) for path in job.frames]
    assert [grey.shape for grey in greys] == [(32, 32, 3)] * 2
    # Frames int(15/16 * 12) = 11 and 12 + 11.
    assert [round(grey.mean() / 7) for grey in greys] == [11, 23]
    waveform = read_waveform(job.wav)
    assert len(waveform) == 32000
    torch.testing.assert_close(
        load_tensor_pickle(job.log_mel),
        log_mel_spectrogram(waveform, num_seconds=2)[:, 0])
    assert not np.asarray(Image.open(job.blank_masks[0])).any()


def test_avsbench_with_raw_videos(tmp_path):
    (tmp_path / 's4_meta_data.csv').write_text(
        'name,start,category,split\naaa,0,dog,train\nbbb,0,cat,val\n')
    place = tmp_path / 's4_data' / 'raw_videos'
    _video(place / 'train' / 'dog' / 'aaa.mp4')
    _video(place / 'val' / 'cat' / 'bbb.mp4')
    jobs = plan_avsbench(tmp_path, 's4', num_seconds=2)
    assert len(run_jobs(jobs).done) == 2
    clip = AVSBenchS4Dataset(
        data_root=str(tmp_path), split='val', num_seconds=2,
        audio_type='log_mel', pipeline=[
            dict(type='LoadClipFrames'), dict(type='LoadClipAudio')])[0]
    assert clip['log_mel'].shape == (2, 1, 1, 96, 64)
    assert clip['img_shape'] == (224, 224)


def test_videos_that_cannot_be_planned(tmp_path):
    with pytest.raises(FileNotFoundError, match='no such video'):
        find_videos([tmp_path / 'none'])
    with pytest.raises(FileNotFoundError, match=r'no video \(\.mp4'):
        find_videos([tmp_path])
    for folder in ('a', 'b'):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / 'same.mp4').touch()
    with pytest.raises(ValueError, match='same name'):
        find_videos([tmp_path])
    video = [tmp_path / 'a' / 'same.mp4']
    plan_videos(tmp_path, video, 'train')
    assert len(plan_videos(tmp_path, video, 'train')) == 1  # not twice
    with pytest.raises(ValueError, match="in split 'train' already"):
        plan_videos(tmp_path, video, 'test')


def test_real_videos_become_a_data_set(tmp_path, shared_dir, repo_dir,
                                       run_tool):
    tools = repo_dir / 'tools' / 'dataset_converters'

    def run(program, *args):
        return run_tool(tools / program, str(tmp_path), *args)

    videos = str(shared_dir / 'media' / 'videos')
    arguments = ('prepare_avsbench.py', '--videos', videos, '--blank-masks')
    code, first = run(*arguments)
    assert code == 1 and '3 clips made' in first
    assert '--on-no-audio silence' in first
    assert run('check_avsbench.py')[0] == 0
    code, second = run(*arguments, '--on-no-audio', 'silence')
    assert code == 0 and '1 clips made, 3 were there' in second
    assert run('check_avsbench.py')[0] == 0
    dataset = AVSBenchMS3Dataset(data_root=str(tmp_path), split='test',
                                 pipeline=[dict(type='LoadClipFrames')])
    boat = next(clip for clip in dataset if clip['clip_id'] == 'boat')
    decoded = [frame for _, frame in iter_frames(
        os.path.join(videos, 'boat.mp4'))]
    for written, index in zip(boat['frames'], (28, 58, 88, 118, 148)):
        np.testing.assert_array_equal(
            written, resize_like_opencv(to_rgb(decoded[index]), 224))
