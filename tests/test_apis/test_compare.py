# Copyright (c) OpenMMLab. All rights reserved.
import av
import numpy as np
import pytest
import torch
from PIL import Image

from mmavs.apis import AVSInferencer, compare_models, init_model
from mmavs.apis import compare as compare_module
from mmavs.apis.inference.overlay_video import ComparisonVideo
from mmavs.video.writer import write_video

SIZE = (48, 64)
CONFIG = 'configs/film_fpn/film-fpn_tiny_synthetic.py'


@pytest.fixture(scope='module')
def models(repo_dir):
    """One model that finds nothing and one that finds everything."""
    found = {}
    for label, score in (('nothing', -9.), ('everything', 9.)):
        model = init_model(repo_dir / CONFIG)
        predict = model.decode_head.predict_by_feat
        model.decode_head.predict_by_feat = (
            lambda *args, predict=predict, score=score: torch.full_like(
                predict(*args), score))
        found[label] = AVSInferencer(model, show_progress=False)
    return found


@pytest.fixture
def video(tmp_path):
    frames = (np.full((*SIZE, 3), 60, np.uint8) for _ in range(24))
    write_video(tmp_path / 'a.mp4', frames, 4, sample_rate=16000,
                audio=np.zeros(6 * 16000, np.float32))
    return str(tmp_path / 'a.mp4')


def test_panels_stand_side_by_side(models, video, tmp_path):
    truth = np.zeros((6, *SIZE), np.uint8)
    truth[:, 20:40, 20:40] = 1
    paths = compare_models(models, video, tmp_path / 'out',
                           ground_truth=truth)
    with av.open(paths['video'][0]) as container:
        frames = [f.to_ndarray(format='rgb24').astype(int)
                  for f in container.decode(video=0)]
        assert len(container.streams.audio) == 1
    assert len(frames) == 24 and frames[0].shape == (48, 3 * 64, 3)
    left, middle, right = (frames[3][30, 64 * i + 30] for i in range(3))
    assert np.abs(left - 60).max() < 8
    assert middle[0] - middle[2] > 60  # orange
    assert right[1] - right[0] > 40  # green
    assert len(paths['sheet']) == 2
    page = np.asarray(Image.open(paths['sheet'][0]))
    assert page.shape[0] > 4 * 48 and page.shape[1] > 5 * 48


def test_ground_truth_from_a_folder(models, video, tmp_path):
    folder = tmp_path / 'masks'
    folder.mkdir()
    for index in range(5):
        Image.fromarray(np.full(SIZE, 255, np.uint8)).save(
            folder / f'{index}.png')
    with pytest.raises(ValueError, match='holds 5 masks, but 6'):
        compare_models(models, video, tmp_path, ground_truth=folder)
    Image.new('L', SIZE[::-1]).save(folder / '5.png')
    paths = compare_models(models, video, tmp_path, ground_truth=folder,
                           outputs=['video'])
    with av.open(paths['video'][0]) as container:
        frames = [f.to_ndarray(format='rgb24').astype(int)
                  for f in container.decode(video=0)]
    green = [f[30, 158, 1] - f[30, 158, 0] > 40 for f in frames]
    assert green == [True] * 20 + [False] * 4


def test_bad_arguments_are_explained(models, video, tmp_path):
    with pytest.raises(ValueError, match='at least one model'):
        compare_models({}, video, tmp_path)
    with pytest.raises(ValueError, match='outputs must be among'):
        compare_models(models, video, tmp_path, outputs=['gif'])


def test_classes_are_named_once(models, video, tmp_path, monkeypatch):
    pages = []
    monkeypatch.setattr(compare_module, 'contact_sheet', lambda rows, **kw: (
        pages.append(kw['legend']), np.zeros((4, 4, 3), np.uint8))[1])
    everything = models['everything']
    meta = dict(classes=('background', 'dog', 'bird'),
                palette=[(0, 0, 0), (9, 8, 7), (1, 2, 3)])
    monkeypatch.setattr(everything, 'meta', meta)
    truth = np.zeros((6, *SIZE), np.uint8)
    truth[1] = 2
    compare_models({'one': everything, 'two': everything}, video, tmp_path,
                   ground_truth=truth)
    assert pages == [[('dog', (9, 8, 7)), ('bird', (1, 2, 3))],
                     [('dog', (9, 8, 7))]]


def test_a_comparison_that_stops_leaves_what_can_be_played(
        models, video, tmp_path, monkeypatch):
    add, seen = ComparisonVideo.add, []

    def stopped(self, window):
        seen.append(1)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return add(self, window)

    monkeypatch.setattr(ComparisonVideo, 'add', stopped)
    with pytest.raises(KeyboardInterrupt):
        compare_models(models, video, tmp_path / 'out', outputs=['video'])
    assert [p.name for p in (tmp_path / 'out').iterdir()] == [
        'a_compared.partial.mp4']
    with av.open(str(tmp_path / 'out/a_compared.partial.mp4')) as container:
        assert len(list(container.decode(video=0))) == 20
