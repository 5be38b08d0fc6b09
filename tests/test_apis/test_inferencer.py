# Copyright (c) OpenMMLab. All rights reserved.
import errno
import json

import av
import numpy as np
import pytest
import torch
from PIL import Image

from mmavs.apis import AVSInferencer, init_model
from mmavs.apis.inference import masks as masks_module
from mmavs.apis.inference import overlay_video as overlay_module
from mmavs.apis.inference.inputs import (
    list_inputs,
    make_source,
    natural_key,
)
from mmavs.apis.inference.windows import clips, mask_time
from mmavs.io.rle import decode_rle
from mmavs.registry import INFERENCERS
from mmavs.utils.config import load_config
from mmavs.video.writer import write_video

SIZE = (48, 64)


def tone(seconds, rate=16000):
    return np.sin(np.arange(round(seconds * rate)) * 0.1).astype(np.float32)


def make(path, *, seconds=7., fps=8, rate=16000, sound_seconds=None):
    rng = np.random.default_rng(0)
    base = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    base = np.asarray(Image.fromarray(base).resize(SIZE[::-1]))
    frames = (np.roll(base, index, axis=1)
              for index in range(round(seconds * fps)))
    write_video(path, frames, fps, sample_rate=rate, audio=None if rate is
                None else tone(sound_seconds or seconds, rate))
    return str(path)


@pytest.fixture(scope='module')
def config(repo_dir):
    return load_config(
        repo_dir / 'configs/film_fpn/film-fpn_tiny_synthetic.py')


@pytest.fixture(scope='module')
def model(config):
    torch.manual_seed(0)
    model = init_model(config)
    # Random weights call everything foreground; centre the scores.
    with torch.no_grad():
        for name, parameter in model.decode_head.named_parameters():
            if name.endswith('bias') and parameter.numel() == 1:
                parameter.zero_()
    return model


@pytest.fixture
def inferencer(model):
    return AVSInferencer(model, show_progress=False)


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    return make(tmp_path_factory.mktemp('video') / 'noise.mp4')


def test_masks_without_files(inferencer, video):
    result = inferencer(video)
    (prediction, ) = result['predictions']
    assert prediction['masks'].shape == (7, *SIZE)
    assert prediction['masks'].dtype == np.uint8
    assert prediction['times'] == [i + 15 / 16 for i in range(7)]
    assert prediction['outputs'] == {}
    assert result['visualization'] == [None]


def test_every_output_is_written(inferencer, video, tmp_path):
    kinds = ('video', 'masks', 'json', 'npz', 'sheet')
    result = inferencer(video, out_dir=tmp_path, outputs=kinds)
    masks = inferencer(video)['predictions'][0]['masks']
    written = [np.asarray(Image.open(path)) for path in
               sorted((tmp_path / 'noise_masks').iterdir())]
    assert np.array_equal(np.stack(written), masks)
    assert Image.open(tmp_path / 'noise_masks/000000.png').mode == 'P'

    content = json.loads((tmp_path / 'noise.json').read_text())
    assert content['video']['height'] == SIZE[0]
    found = np.zeros_like(masks)
    for record in content['annotations']:
        inside = decode_rle(record['segmentation'])
        found[record['frame']][inside] = record['category_id']
        assert record['area'] == inside.sum()
        assert record['time'] == record['frame'] + 0.9375
        assert 0.5 <= record['score'] <= 1
    assert np.array_equal(found, masks)

    with np.load(tmp_path / 'noise.npz') as archive:
        assert len(archive['times']) == 7
        chance = np.stack([archive[f'mask_{i:06d}'][0] for i in range(7)])
    assert (np.abs(chance[(chance > 0.5) != masks] - 0.5) < 1e-3).all()

    source = make_source(video)
    with av.open(str(tmp_path / 'noise.mp4')) as container:
        frames = list(container.decode(video=0))
        sound = container.streams.audio[0]
        seconds = float(sound.duration * sound.time_base)
    times = [time for time, _ in source.frames()]
    assert [f.time for f in frames] == pytest.approx(times, abs=1e-3)
    assert (frames[0].height, frames[0].width) == SIZE
    assert seconds == pytest.approx(source.audio_duration, abs=0.1)
    assert len(list(tmp_path.glob('noise_sheet_*.png'))) == 2
    assert result['visualization'][0].shape[2] == 3


def test_overlay_shows_the_mask_of_its_second(inferencer, video, tmp_path):
    inferencer(video, out_dir=tmp_path, outputs=['video'], alpha=1.)
    masks = inferencer(video)['predictions'][0]['masks']
    with av.open(str(tmp_path / 'noise.mp4')) as container:
        frames = [f.to_ndarray(format='rgb24').astype(int)
                  for f in container.decode(video=0)]
    for index, frame in enumerate(frames):
        orange = np.abs(frame - (255, 96, 32)).sum(axis=-1) < 90
        assert (orange == masks[index // 8]).mean() > 0.9


def test_batches_change_nothing(inferencer, video):
    one, many = (inferencer(video, batch_size=size, return_datasamples=True)
                 ['predictions'][0] for size in (1, 3))
    assert [len(s.times) for s in many['data_samples']] == [5, 2]
    for a, b in zip(one['data_samples'], many['data_samples']):
        torch.testing.assert_close(a.seg_logits, b.seg_logits, atol=1e-4,
                                   rtol=0)


def test_arrays_equal_files(inferencer, video):
    source = make_source(video)
    frames = np.stack([frame for _, frame in source.frames()])
    sound = np.concatenate(list(source.sound()))
    from_arrays = inferencer((frames, 8, sound, 16000))
    from_file = inferencer(video)
    assert np.array_equal(from_arrays['predictions'][0]['masks'],
                          from_file['predictions'][0]['masks'])
    assert from_arrays['predictions'][0]['name'] == 'clip'


def test_passes_interleave_and_centre_the_sound(inferencer, video):
    assert [mask_time(i, 1) for i in (0, 2)] == [0.9375, 2.9375]
    assert [mask_time(i, 4) for i in (0, 5)] == [0.125, 1.375]
    found = list(clips(make_source(video), seconds=5, fps=2))
    assert [clip.indices for clip in found] == [
        range(0, 10, 2), range(1, 11, 2), range(10, 14, 2), range(11, 15, 2)]
    assert [clip.window_sound is not None for clip in found] == [
        False, True, False, True]
    whole = np.concatenate(list(make_source(video).sound()))[:, 0]
    # Frame at 0.25 s: its sound is that of -0.25 .. 0.75 s.
    assert not found[0].waveform[:4000].any()
    np.testing.assert_allclose(found[0].waveform[4000:80000],
                               whole[:76000], atol=1e-6)
    np.testing.assert_allclose(found[1].waveform[:80000],
                               whole[4000:84000], atol=1e-6)
    result = inferencer(video, fps=2)['predictions'][0]
    assert result['num_masks'] == 14 and len(result['masks']) == 14
    assert result['times'][:3] == [0.25, 0.75, 1.25]


def test_contact_sheets_at_several_masks_a_second(inferencer, video,
                                                  tmp_path):
    result = inferencer(video, fps=2, out_dir=tmp_path, outputs=['sheet'])
    assert len(list(tmp_path.glob('noise_sheet_*.png'))) == 2
    assert result['visualization'][0].shape[1] > 10 * 100


def test_missing_sound(inferencer, tmp_path):
    mute = make(tmp_path / 'mute.mp4', seconds=2, rate=None)
    with pytest.raises(ValueError, match='mute.mp4: has no sound'):
        inferencer(mute)
    short = make(tmp_path / 'short.mp4', seconds=4, sound_seconds=1)
    with pytest.raises(ValueError, match=r'sound for 1.\d of its 4.0 s'):
        inferencer(short)
    empty = np.zeros((4, 8, 8, 3), np.uint8), 2, np.zeros(0), 16000
    with pytest.raises(ValueError, match='clip: has no sound'):
        inferencer(empty)
    for item in (mute, short, empty):
        result = inferencer(item, on_missing_audio='silence')
        assert result['predictions'][0]['num_masks'] in (2, 4)


def test_one_frame_and_long_videos(inferencer, tmp_path):
    single = make(tmp_path / 'one.mp4', seconds=1 / 8, sound_seconds=1)
    assert inferencer(single)['predictions'][0]['num_masks'] == 1
    result = inferencer(single, out_dir=tmp_path / 'out')
    assert (tmp_path / 'out' / 'one.mp4').is_file()
    assert result['predictions'][0]['num_masks'] == 1


def test_folders_and_equal_names(inferencer, tmp_path):
    for folder in ('a', 'b'):
        (tmp_path / folder).mkdir()
        make(tmp_path / folder / 'x.mp4', seconds=1)
    (tmp_path / 'a' / 'notes.txt').write_text('not a video')
    result = inferencer([str(tmp_path / 'a'), str(tmp_path / 'b')],
                        out_dir=tmp_path / 'out', outputs=['masks'])
    assert [p['outputs']['masks'] for p in result['predictions']] == [
        str(tmp_path / 'out' / name) for name in ('x_masks', 'x-2_masks')]
    (tmp_path / 'empty').mkdir()
    with pytest.raises(ValueError, match='holds no video'):
        list_inputs(str(tmp_path / 'empty'))


def test_frames_are_sorted_by_number():
    names = ['f_10.png', 'f_2.png', 'f_1.png']
    assert sorted(names, key=natural_key) == ['f_1.png', 'f_2.png',
                                              'f_10.png']


def test_ctrl_c_leaves_a_playable_part(inferencer, tmp_path, monkeypatch):
    path = make(tmp_path / 'long.mp4', seconds=12)
    add, seen = overlay_module.OverlayVideo.add, []

    def interrupted(self, window):
        seen.append(window)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return add(self, window)

    monkeypatch.setattr(overlay_module.OverlayVideo, 'add', interrupted)
    with pytest.raises(KeyboardInterrupt):
        inferencer(path, out_dir=tmp_path / 'out',
                   outputs=['video', 'json', 'npz'])
    assert sorted(p.name for p in (tmp_path / 'out').iterdir()) == [
        'long.partial', 'long.partial.mp4']
    with av.open(str(tmp_path / 'out' / 'long.partial.mp4')) as container:
        assert len(list(container.decode(video=0))) == 80
        sound = container.streams.audio[0]
        assert float(sound.duration * sound.time_base) == pytest.approx(
            10, abs=0.2)


def test_a_bar_shows_the_time_that_is_left(model, video, capsys):
    AVSInferencer(model)(video)
    shown = capsys.readouterr().out
    assert '5/7' in shown and '7/7' in shown and 'ETA:' in shown


def test_the_sound_track_that_was_asked_for(inferencer, tmp_path):
    path = tmp_path / 'two.mkv'
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('mpeg4', rate=8)
        stream.height, stream.width = SIZE
        stream.pix_fmt = 'yuv420p'
        tracks = [container.add_stream('pcm_s16le', rate=16000,
                                       layout='mono') for _ in range(2)]
        for level in range(16):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(
                np.full((*SIZE, 3), 10 * level, np.uint8), format='rgb24')))
        container.mux(stream.encode(None))
        for track, loud in zip(tracks, (0, 1)):
            block = av.AudioFrame.from_ndarray(
                (loud * 20000 * tone(2)).astype(np.int16)[None],
                format='s16', layout='mono')
            block.sample_rate, block.pts = 16000, 0
            container.mux(track.encode(block))
    for index in range(2):
        inferencer(path, audio_stream=index, out_dir=tmp_path / str(index),
                   outputs=['video'])
        with av.open(str(tmp_path / str(index) / 'two.mp4')) as container:
            peak = max(np.abs(frame.to_ndarray()).max()
                       for frame in container.decode(audio=0))
        assert (peak > 0.3) == (index == 1)
    with pytest.raises(ValueError, match='has 2 sound tracks'):
        inferencer(path, audio_stream=2)


def test_output_folder_that_cannot_be_used(inferencer, video, tmp_path,
                                           monkeypatch):
    (tmp_path / 'file').write_text('in the way')
    with pytest.raises(PermissionError, match='choose another out_dir'):
        inferencer(video, out_dir=tmp_path / 'file' / 'out')

    def full(self, window):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(masks_module.MaskImages, 'add', full)
    with pytest.raises(OSError, match='out: the disk is full'):
        inferencer(video, out_dir=tmp_path / 'out',
                   outputs=['masks', 'json'])
    assert not list((tmp_path / 'out').glob('*.json'))


@pytest.mark.parametrize('kwargs,message', [
    (dict(outputs=['gif']), 'outputs must be among'),
    (dict(fps=0), 'whole numbers'),
    (dict(fps=0.5), 'whole numbers'),
    (dict(batch_size=0), 'whole numbers'),
    (dict(on_missing_audio='ignore'), 'on_missing_audio must be'),
    (dict(inputs=7), 'an input is a video file'),
    (dict(inputs=('nowhere', 'a.wav')), 'no such folder')])
def test_bad_arguments_are_explained(inferencer, video, kwargs, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        inferencer(**(dict(inputs=video) | kwargs))


def test_frames_of_different_size_or_type(inferencer, tmp_path):
    for index, size in enumerate([(8, 8), (8, 8), (8, 10)]):
        Image.new('RGB', size).save(tmp_path / f'{index}.png')
    with pytest.raises(ValueError, match='all must have one size'):
        inferencer((str(tmp_path), None), on_missing_audio='silence')
    with pytest.raises(ValueError, match='uint8'):
        make_source((np.zeros((2, 8, 8, 3)), 1, tone(2), 16000))
    with pytest.raises(ValueError, match='sample rate'):
        make_source((np.zeros((2, 8, 8, 3), np.uint8), 1, tone(2), None))


def test_models_by_config_and_name(config, repo_dir, tmp_path):
    built = INFERENCERS.build(dict(
        type='AVSInferencer', model=config, device='cpu',
        show_progress=False))
    assert built.window_seconds == 5
    with pytest.raises(ValueError, match='no model'):
        AVSInferencer('nobody', device='cpu')
    checkpoint = tmp_path / 'other.pth'
    torch.save(dict(state_dict={'fc.weight': torch.zeros(2)}), checkpoint)
    with pytest.raises(Exception, match='none of the weights'):
        AVSInferencer(config, checkpoint, 'cpu')
    with pytest.raises(ValueError, match=r'config in .cfg'):
        AVSInferencer(torch.nn.Linear(1, 1), device='cpu')


def test_real_videos(inferencer, shared_dir, tmp_path):
    videos = shared_dir / 'media' / 'videos'
    result = inferencer(
        [str(videos / 'boat.mp4')], out_dir=tmp_path,
        outputs=['video', 'masks'])
    assert result['predictions'][0]['num_masks'] == 6
    with av.open(str(tmp_path / 'boat.mp4')) as container:
        assert len(container.streams.audio) == 1
        assert sum(1 for _ in container.decode(video=0)) == 181


@pytest.mark.slow
def test_memory_does_not_grow_with_the_video(inferencer, tmp_path,
                                             monkeypatch):
    path = make(tmp_path / 'long.mp4', seconds=180)
    sizes, add = [], overlay_module.OverlayVideo.add

    def measured(self, window):
        state = add(self, window)
        with open('/proc/self/statm') as file:
            sizes.append(int(file.read().split()[1]))
        return state

    monkeypatch.setattr(overlay_module.OverlayVideo, 'add', measured)
    inferencer(path, out_dir=tmp_path / 'out',
               outputs=['video', 'masks', 'json', 'npz', 'sheet'])
    assert len(sizes) == 36
    assert max(sizes[9:]) < 1.1 * sizes[9]
