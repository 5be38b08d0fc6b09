# Copyright (c) OpenMMLab. All rights reserved.
import csv
import json
import pickle
import random

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator

from mmavs.evaluation import AVSBinaryMetric, ClipMetric
from mmavs.evaluation.functional import f_curves, frame_iou
from mmavs.registry import METRICS
from mmavs.structures import AVSDataSample

from .clips import binary_clip, sample


def run(metric, clips, batch_size=1):
    """Feed clips through MMEngine's Evaluator, as a test loop does."""
    evaluator = Evaluator(metric)
    for start in range(0, len(clips), batch_size):
        evaluator.process(data_samples=clips[start:start + batch_size],
                          data_batch={})
    return evaluator.evaluate(len(clips))


@pytest.fixture
def clips():
    return [binary_clip(i, seconds=3 + i % 3, empty=(1, ) if i % 2 else ())
            for i in range(7)]


def test_reference_arrays(shared_dir):
    arrays = np.load(shared_dir / 'parity' / 'metrics_audio.npz')
    expected = json.loads(
        (shared_dir / 'parity' / 'metrics_audio.json').read_text())['binary']
    logits = torch.from_numpy(arrays['binary.logits']).view(6, 5, 1, 96, 96)
    target = torch.from_numpy(arrays['binary.gt']).view(6, 5, 96, 96)
    clips = [sample(i, gt_sem_seg=target[i], seg_logits=logits[i])
             for i in range(6)]
    for size, key in ((1, 'f_per_clip_mean'), (2, 'f_per_2clips_mean'),
                      (6, 'f_all')):
        results = run(AVSBinaryMetric(clips_per_group=size), clips, size)
        assert results['avsbench/F'] == pytest.approx(
            expected[key], abs=1e-6), key
        assert results['avsbench/J'] == pytest.approx(
            expected['iou_all'], abs=1e-6)
        assert results['dataset/F'] == pytest.approx(
            expected['f_all'], abs=1e-6)


def test_results_from_the_definition(clips):
    results = run(AVSBinaryMetric(clips_per_group=2), clips, batch_size=3)
    logits = torch.cat([c.seg_logits[:, 0].flatten(1) for c in clips])
    target = torch.cat([c.gt_sem_seg.flatten(1) for c in clips])
    pred, target = logits > 0, target > 0
    iou = frame_iou(pred[:, None], target[:, None])
    some = target.any(dim=1)
    assert results['avsbench/J'] == pytest.approx(iou.mean().item())
    assert results['avsbench/J_nonempty'] == pytest.approx(
        iou[some].mean().item())
    assert results['avsbench/J_nonempty'] != results['avsbench/J']
    foreground = ((pred & target).sum() / (pred | target).sum()).item()
    background = ((~pred & ~target).sum() / (~pred | ~target).sum()).item()
    assert results['dataset/J'] == pytest.approx(foreground)
    assert results['dataset/mIoU'] == pytest.approx(
        (foreground + background) / 2)
    curves = f_curves(logits[some, None], target[some, None])
    assert results['dataset/F'] == pytest.approx(
        curves.mean(dim=0).max().item(), abs=1e-7)


def test_order_batches_and_repetitions_change_nothing(clips):
    expected = run(AVSBinaryMetric(), clips)
    shuffled = clips + clips[:3]
    random.Random(1).shuffle(shuffled)
    assert run(AVSBinaryMetric(), shuffled, batch_size=4) == expected


@pytest.mark.parametrize('protocol', ['avsbench', 'dataset'])
def test_protocol_selects_the_numbers(clips, protocol):
    both = run(AVSBinaryMetric(), clips)
    one = run(METRICS.build(dict(type='AVSBinaryMetric', protocol=protocol)),
              clips)
    assert one == {key: value for key, value in both.items()
                   if key.startswith(protocol)}
    assert f'{protocol}/J' in one and f'{protocol}/F' in one


def test_metric_is_used_again_for_the_next_epoch(clips):
    metric = AVSBinaryMetric()
    assert run(metric, clips) == run(metric, clips)


def test_a_record_is_small():
    metric = AVSBinaryMetric()
    big = binary_clip(123456, seconds=10, size=224)
    big.set_metainfo(dict(clip_id='x' * 40))
    metric.process({}, [big.to_dict()])
    assert len(pickle.dumps(metric.results[0])) <= 2048


def test_only_labelled_seconds_on_request():
    clip = binary_clip(0)
    clip.label_valid = torch.tensor([True, False, False, False, False])
    first = binary_clip(0)
    for key in ('gt_sem_seg', 'seg_logits', 'valid', 'label_valid'):
        setattr(first, key, getattr(first, key)[:1])
    del first.pred_sem_seg
    assert run(AVSBinaryMetric(frames='labelled'), [clip]) == run(
        AVSBinaryMetric(), [first])
    assert run(AVSBinaryMetric(), [clip]) == run(
        AVSBinaryMetric(), [binary_clip(0)])


def test_silent_clips_only():
    clips = [binary_clip(0, empty=range(5))]
    clips[0].seg_logits = clips[0].seg_logits * 0 - 1
    results = run(AVSBinaryMetric(), clips)
    assert results['avsbench/J'] == 1 and results['avsbench/F'] == 0
    assert np.isnan(results['avsbench/J_nonempty'])


def test_table_of_clips(clips, tmp_path):
    path = tmp_path / 'tables' / 'clips.csv'
    results = run(AVSBinaryMetric(per_clip=str(path)), clips)
    with open(path) as file:
        rows = list(csv.DictReader(file))
    assert [row['clip_id'] for row in rows] == [c.clip_id for c in clips]
    frames = np.array([int(row['frames']) for row in rows])
    mean = np.average([float(row['J']) for row in rows], weights=frames)
    assert mean == pytest.approx(results['avsbench/J'])


def test_bad_input_is_explained():
    metric = AVSBinaryMetric()
    clip = binary_clip(3).to_dict()
    nameless = {k: v for k, v in clip.items() if k != 'sample_idx'}
    with pytest.raises(ValueError, match='sample_idx.*PackAVSInputs'):
        metric.process({}, [nameless])
    without = {k: v for k, v in clip.items() if k != 'seg_logits'}
    with pytest.raises(ValueError, match="'clip_3' has no seg_logits"):
        metric.process({}, [without])
    without = {k: v for k, v in clip.items() if k != 'gt_sem_seg'}
    with pytest.raises(ValueError, match='no gt_sem_seg: load the masks'):
        metric.process({}, [without])
    wide = dict(clip, seg_logits=clip['seg_logits'].repeat(1, 2, 1, 1))
    with pytest.raises(ValueError, match='AVSSemanticMetric'):
        metric.process({}, [wide])
    small = dict(clip, seg_logits=clip['seg_logits'][..., :4])
    with pytest.raises(ValueError, match='differ in size'):
        metric.process({}, [small])
    with pytest.raises(ValueError, match='protocol must be'):
        AVSBinaryMetric(protocol='coco')
    with pytest.raises(ValueError, match='frames must be'):
        AVSBinaryMetric(frames='some')
    with pytest.raises(ValueError, match='clips_per_group'):
        AVSBinaryMetric(clips_per_group=0)


def test_base_class_names_what_is_missing():
    with pytest.raises(TypeError, match='measure'):
        ClipMetric()


def test_samples_without_flags_are_accepted():
    clip = binary_clip(0)
    plain = AVSDataSample(
        metainfo=dict(sample_idx=0), gt_sem_seg=clip.gt_sem_seg,
        seg_logits=clip.seg_logits)
    assert run(AVSBinaryMetric(), [plain]) == run(AVSBinaryMetric(), [clip])
