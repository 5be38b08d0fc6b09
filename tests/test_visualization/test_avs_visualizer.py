# Copyright (c) OpenMMLab. All rights reserved.
import numpy as np
import pytest
import torch
from PIL import Image

from mmavs.registry import VISUALIZERS
from mmavs.structures import AVSDataSample
from mmavs.visualization import AVSVisualizer, voc_palette, write_image

T = 3


@pytest.fixture
def frames():
    rng = np.random.default_rng(0)
    return list(rng.integers(90, 110, (T, 48, 64, 3), dtype=np.uint8))


def clip(maximum=1, **meta):
    generator = torch.Generator().manual_seed(0)
    maps = torch.zeros(2, T, 24, 32, dtype=torch.uint8)
    maps[:, :, 8:16, 8:20] = torch.randint(
        1, maximum + 1, (1, ), generator=generator).item()
    return AVSDataSample(metainfo=dict(clip_id='a clip', **meta),
                         pred_sem_seg=maps[0], gt_sem_seg=maps[1],
                         label_valid=torch.ones(T, dtype=torch.bool))


def count(page, colour):
    return int((page == colour).all(axis=-1).sum())


def test_rows_can_be_chosen(frames):
    visualizer = AVSVisualizer('rows')
    heights = [visualizer.add_datasample(
        'x', frames, clip(), draw_gt=gt, draw_pred=pred).shape[0]
        for gt, pred in ((False, False), (True, False), (True, True))]
    assert heights[0] < heights[1] < heights[2]
    alone = visualizer.add_datasample('x', frames)
    assert abs(alone.shape[0] - heights[0]) < 2


def test_sound_is_drawn_from_tensors(frames):
    visualizer = AVSVisualizer('sound')
    plain = visualizer.add_datasample('x', frames, clip())
    full = visualizer.add_datasample(
        'x', frames, clip(), log_mel=torch.zeros(T, 1, 1, 96, 64),
        waveform=torch.zeros(T * 16000), sample_rate=16000)
    assert full.shape[1] == plain.shape[1]
    assert full.shape[0] > plain.shape[0] + 60


def test_binary_masks_are_orange_and_green_without_a_legend(frames):
    page = AVSVisualizer('binary', alpha=1).add_datasample(
        'x', frames, clip())
    assert count(page, (255, 96, 32)) > 1000
    assert count(page, (40, 200, 120)) > 1000


def test_classes_have_their_colours_and_names(frames):
    visualizer = AVSVisualizer('semantic', alpha=1)
    unnamed = visualizer.add_datasample('x', frames, clip(maximum=70))
    kind = int(clip(maximum=70).gt_sem_seg.max())
    assert count(unnamed, voc_palette(71)[kind]) > 2000
    visualizer.dataset_meta = dict(
        classes=[f'kind {i}' for i in range(71)],
        palette=[(i, 255 - i, 7) for i in range(71)])
    named = visualizer.add_datasample('x', frames, clip(maximum=70))
    assert count(named, (kind, 255 - kind, 7)) > 2000
    assert not np.array_equal(named[-20:], unnamed[-20:])


def test_legend_names_only_what_occurs(frames):
    visualizer = AVSVisualizer(
        'legend', classes=[f'kind {i}' for i in range(71)])
    page = visualizer.add_datasample('x', frames, clip(maximum=70))
    kind = int(clip(maximum=70).gt_sem_seg.max())
    colours = {tuple(c) for c in page[-20:, :60].reshape(-1, 3)}
    assert tuple(voc_palette(71)[kind]) in colours
    others = {tuple(c) for c in np.delete(voc_palette(71)[1:], kind - 1, 0)}
    assert not colours & others


def test_unlabelled_seconds_say_so(frames):
    sample = clip()
    sample.gt_sem_seg[1:] = 0
    visualizer = AVSVisualizer('labels')
    silent = visualizer.add_datasample('x', frames, sample)
    sample.label_valid = torch.tensor([True, False, False])
    assert not np.array_equal(
        visualizer.add_datasample('x', frames, sample), silent)


def test_page_goes_to_a_file_or_to_the_back_ends(frames, tmp_path):
    visualizer = VISUALIZERS.build(dict(
        type='AVSVisualizer', name='files', save_dir=str(tmp_path),
        vis_backends=[dict(type='LocalVisBackend')]))
    page = visualizer.add_datasample(
        'x', frames, clip(), out_file=tmp_path / 'new' / 'page.png')
    written = np.asarray(Image.open(tmp_path / 'new' / 'page.png'))
    assert np.array_equal(written, page)
    assert not list((tmp_path).rglob('vis_image/*'))
    visualizer.add_datasample('x', frames, clip(), step=7)
    assert [f.name for f in tmp_path.rglob('vis_image/*')] == ['x_7.png']


def test_jpeg_by_suffix(tmp_path):
    write_image(tmp_path / 'a.jpg', np.zeros((8, 8, 3), np.uint8))
    assert Image.open(tmp_path / 'a.jpg').format == 'JPEG'


def test_frames_and_maps_must_agree(frames):
    with pytest.raises(ValueError, match='2 frames but 3 maps'):
        AVSVisualizer('bad').add_datasample('x', frames[:2], clip())
    with pytest.raises(ValueError, match='alpha'):
        AVSVisualizer('worse', alpha=2)
