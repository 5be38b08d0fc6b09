# Copyright (c) OpenMMLab. All rights reserved.
import csv
import json
import pickle
import random

import numpy as np
import pytest
import torch

from mmavs.evaluation import AVSSemanticMetric
from mmavs.evaluation.functional import class_areas, frame_class_scores

from .clips import sample, semantic_clip
from .test_avs_binary_metric import run


def test_reference_arrays(shared_dir):
    arrays = np.load(shared_dir / 'parity' / 'metrics_audio.npz')
    expected = json.loads((shared_dir / 'parity' / 'metrics_audio.json'
                           ).read_text())['semantic']
    pred = torch.from_numpy(arrays['semantic.pred']).view(3, 10, 48, 48)
    target = torch.from_numpy(arrays['semantic.gt']).view(3, 10, 48, 48)
    clips = [sample(i, gt_sem_seg=target[i], pred_sem_seg=pred[i])
             for i in range(3)]
    results = run(AVSSemanticMetric(num_classes=71), clips, 2)
    for key, name in (('miou', 'J'), ('miou_official_nobg',
                                      'J_no_background'),
                      ('fscore', 'F'), ('fscore_official_nobg',
                                        'F_no_background'),
                      ('miou_without_class0', 'J_without_class0')):
        assert results[f'avsbench/{name}'] == pytest.approx(
            expected[key], abs=1e-6), name


def test_padding_equals_frames_of_background():
    short = semantic_clip(0, seconds=5)
    padded = sample(0, **{
        key: torch.cat([getattr(short, key), torch.zeros(
            5, 12, 12, dtype=torch.uint8)])
        for key in ('gt_sem_seg', 'pred_sem_seg')})
    official = AVSSemanticMetric(protocol='avsbench')
    assert run(official, [short]) == pytest.approx(run(official, [padded]))
    unpadded = AVSSemanticMetric(protocol='avsbench', pad_to=None)
    assert run(unpadded, [short])['avsbench/J'] < run(
        official, [short])['avsbench/J']
    # Only class 0 can gain, so at most 1/71 of the mean.
    assert run(unpadded, [short])['avsbench/J'] == pytest.approx(
        run(official, [short])['avsbench/J'], abs=1 / 71)


def test_dataset_iou_from_the_definition():
    clips = [semantic_clip(i, seconds=5 + 5 * (i % 2)) for i in range(4)]
    results = run(AVSSemanticMetric(), clips, 3)
    pred = torch.cat([c.pred_sem_seg for c in clips])
    target = torch.cat([c.gt_sem_seg for c in clips])
    ious = []
    for index in range(71):
        p, g = pred == index, target == index
        if (p | g).any():
            ious.append(((p & g).sum() / (p | g).sum()).item())
    assert results['dataset/J'] == pytest.approx(np.mean(ious))
    assert results['dataset/J_without_class0'] == pytest.approx(
        np.mean(ious[1:]))


def test_frames_without_ground_truth_can_be_left_out():
    clips = [semantic_clip(i) for i in range(3)]
    clips[0].gt_sem_seg[2:5] = 0
    clips[2].gt_sem_seg[:] = 0
    results = run(AVSSemanticMetric(), clips)
    keep = [(c.gt_sem_seg > 0).flatten(1).any(dim=1) for c in clips]
    rest = [sample(c.sample_idx, gt_sem_seg=c.gt_sem_seg[k],
                   pred_sem_seg=c.pred_sem_seg[k])
            for c, k in zip(clips[:2], keep)]
    assert results['avsbench/J_nonempty'] == pytest.approx(
        run(AVSSemanticMetric(pad_to=None), rest)['avsbench/J'])


def test_order_batches_and_repetitions_change_nothing():
    clips = [semantic_clip(i, seconds=5 + 5 * (i % 2)) for i in range(6)]
    expected = run(AVSSemanticMetric(), clips)
    shuffled = clips + clips[:3]
    random.Random(1).shuffle(shuffled)
    assert run(AVSSemanticMetric(), shuffled, 4) == expected


def test_a_record_is_small_and_exact_with_every_class_in_every_frame():
    generator = torch.Generator().manual_seed(0)
    pred, target = torch.randint(
        0, 71, (2, 10, 64, 64), generator=generator, dtype=torch.uint8)
    clip = sample(123456, gt_sem_seg=target, pred_sem_seg=pred)
    clip.set_metainfo(dict(clip_id='abcdefghijk_10000_20000'))
    metric = AVSSemanticMetric()
    metric.process({}, [clip.to_dict()])
    assert len(pickle.dumps(metric.results[0])) <= 2048
    scores = frame_class_scores(*class_areas(pred, target, 71))
    assert bool(scores.present.all())
    results = metric.evaluate(1)
    assert results['avsbench/J'] == pytest.approx(
        scores.iou.mean().item(), abs=1e-12)
    assert results['avsbench/F'] == pytest.approx(
        scores.f.mean().item(), abs=1e-12)


def test_long_clips_are_counted_exactly():
    clip = semantic_clip(0, seconds=300, size=4, num_classes=5)
    results = run(AVSSemanticMetric(num_classes=5), [clip])
    scores = frame_class_scores(*class_areas(
        clip.pred_sem_seg, clip.gt_sem_seg, 5))
    means = scores.iou.sum(0) / scores.present.sum(0)
    assert results['avsbench/J'] == pytest.approx(
        means.nan_to_num(0).mean().item())


def test_number_of_classes_comes_from_the_data_set():
    metric = AVSSemanticMetric(pad_to=None)
    assert metric.num_classes == 71
    metric.dataset_meta = dict(classes=('background', 'dog', 'cat'))
    assert metric.num_classes == 3
    clip = semantic_clip(0, num_classes=3)
    metric.process({}, [clip.to_dict()])
    scores = frame_class_scores(*class_areas(
        clip.pred_sem_seg, clip.gt_sem_seg, 3))
    means = (scores.iou.sum(0) / scores.present.sum(0)).nan_to_num(0)
    assert metric.evaluate(1)['avsbench/J'] == pytest.approx(
        means.mean().item())
    with pytest.raises(ValueError, match="'clip_1': class .* num_classes"):
        metric.process({}, [semantic_clip(1).to_dict()])


def test_tables(tmp_path):
    classes, clips_csv = tmp_path / 'classes.csv', tmp_path / 'clips.csv'
    metric = AVSSemanticMetric(per_class=str(classes),
                               per_clip=str(clips_csv))
    metric.dataset_meta = dict(classes=['background', *(
        f'kind{i}' for i in range(1, 71))])
    clips = [semantic_clip(i) for i in range(3)]
    for clip in clips:
        metric.process({}, [clip.to_dict()])
    results = metric.evaluate(3)
    with open(classes) as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 71 and rows[5]['name'] == 'kind5'
    mean = sum(float(row['J'] or 0) for row in rows) / 71
    assert mean == pytest.approx(results['avsbench/J'])
    with open(clips_csv) as file:
        rows = list(csv.DictReader(file))
    assert [row['clip_id'] for row in rows] == [c.clip_id for c in clips]
    assert rows[0]['classes'].startswith('background ')


def test_bad_arguments_are_explained():
    with pytest.raises(ValueError, match='between 2 and 256'):
        AVSSemanticMetric(num_classes=1)
    without = {k: v for k, v in semantic_clip(0).to_dict().items()
               if k != 'pred_sem_seg'}
    with pytest.raises(ValueError, match='no pred_sem_seg'):
        AVSSemanticMetric().process({}, [without])
