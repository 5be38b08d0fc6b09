# Copyright (c) OpenMMLab. All rights reserved.
import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmavs.evaluation.functional import (
    f_curves,
    f_thresholds,
    frame_areas,
    frame_iou,
    grouped_f,
    mean_clip_f,
    nonempty_frames,
    pooled_f,
)


def f_curve_reference(logits, target):
    """255 comparisons, as the official code does it, for one frame."""
    scores, target = logits.float().sigmoid(), target.double()
    curve = []
    for threshold in f_thresholds():
        chosen = (scores >= threshold).double()
        true_pos = (chosen * target).sum()
        precision = true_pos / (chosen.sum() + 1e-20)
        recall = true_pos / (target.sum() + 1e-20)
        f = 1.3 * precision * recall / (0.3 * precision + recall)
        curve.append(torch.nan_to_num(f, 0.))
    return torch.stack(curve)


def golden():
    """The six frames of 8 x 8 with published values."""
    n, h, w = np.meshgrid(
        np.arange(6), np.arange(8), np.arange(8), indexing='ij')
    phase = 0.5 * n + 0.3 * h + 0.7 * w
    logits = torch.from_numpy(3 * np.sin(phase)).float()
    target = torch.from_numpy(np.sin(phase + 0.6) > 0.2)
    target[2] = False
    return logits, target


def frame_groups(logits, target):
    """Curves and counts where every frame is a clip of its own."""
    return f_curves(logits, target), nonempty_frames(target).long()


def test_golden_values():
    logits, target = golden()
    assert target.flatten(1).sum(1).tolist() == [25, 24, 0, 26, 28, 30]
    torch.testing.assert_close(
        frame_iou(logits > 0, target),
        torch.tensor([.647059, .606061, .546875, .666667, .676471, .694444],
                     dtype=torch.float64), atol=1e-6, rtol=0)
    curves, counts = frame_groups(logits, target)
    for size, expected in {1: .704130, 2: .833223, 3: .840789,
                           6: .836431}.items():
        assert grouped_f(curves, counts, size) == pytest.approx(
            expected, abs=1e-6)
    assert pooled_f(curves, counts) == grouped_f(curves, counts, 6)
    # One silent frame of six: without its zero the mean is 6/5 as large.
    assert mean_clip_f(curves, counts) == pytest.approx(
        .704130 * 6 / 5, abs=1e-6)


def test_reference_arrays(shared_dir):
    arrays = np.load(shared_dir / 'parity' / 'metrics_audio.npz')
    expected = json.loads(
        (shared_dir / 'parity' / 'metrics_audio.json').read_text())['binary']
    logits = torch.from_numpy(arrays['binary.logits'])
    target = torch.from_numpy(arrays['binary.gt'])
    iou = frame_iou(logits > 0, target)
    np.testing.assert_allclose(iou, expected['iou_per_frame'], atol=1e-6)
    assert float(iou.mean()) == pytest.approx(expected['iou_all'], abs=1e-6)
    curves = f_curves(logits, target).view(6, 5, -1).sum(dim=1)
    counts = nonempty_frames(target).view(6, 5).sum(dim=1)
    for size, key in ((1, 'f_per_clip_mean'), (2, 'f_per_2clips_mean'),
                      (6, 'f_all')):
        assert grouped_f(curves, counts, size) == pytest.approx(
            expected[key], abs=1e-6), key


# Logits whose sigmoid falls on a threshold, next to it, or nowhere near.
on_threshold = st.integers(0, 254).map(
    lambda k: float(torch.logit(f_thresholds()[k])))
logit = st.one_of(on_threshold, st.floats(-20, 20, width=32),
                  st.sampled_from([0., -0., 1e-8, float('-inf'),
                                   float('inf'), float('nan')]))


@given(st.lists(st.tuples(logit, st.booleans()), min_size=1, max_size=24))
@settings(max_examples=60, deadline=None)
def test_curve_equals_255_comparisons(pixels):
    logits = torch.tensor([p[0] for p in pixels]).view(1, 1, -1)
    target = torch.tensor([p[1] for p in pixels]).view(1, 1, -1)
    torch.testing.assert_close(
        f_curves(logits, target)[0], f_curve_reference(logits, target),
        atol=1e-12, rtol=0)


def test_scores_exactly_on_the_thresholds():
    # Half precision leaves few values, many of which tie with thresholds.
    generator = torch.Generator().manual_seed(0)
    logits = (torch.randn(3, 16, 16, generator=generator) * 3).half()
    target = torch.rand(3, 16, 16, generator=generator) > 0.6
    curves = f_curves(logits, target)
    for row, frame, labels in zip(curves, logits, target):
        torch.testing.assert_close(
            row, f_curve_reference(frame, labels), atol=1e-12, rtol=0)


def test_frames_do_not_influence_each_other():
    logits, target = golden()
    together = f_curves(logits, target)
    alone = torch.cat([f_curves(logits[i:i + 1], target[i:i + 1])
                       for i in range(6)])
    assert torch.equal(together, alone)


@pytest.mark.parametrize('fill,expected', [(-1., 1.), (1., 0.), (0., 1.)])
def test_empty_ground_truth_scores_background_accuracy(fill, expected):
    pred = torch.full((1, 4, 5), fill) > 0
    assert frame_iou(pred, torch.zeros(1, 4, 5)).item() == expected


def test_silent_predictor_gets_the_all_foreground_f():
    target = torch.zeros(1, 10, 10)
    target[:, :, :4] = 1
    logits = torch.full((1, 10, 10), -50.)
    area = 0.4
    assert float(f_curves(logits, target).max()) == pytest.approx(
        1.3 * area / (0.3 * area + 1))


def test_a_group_without_ground_truth_counts_as_zero():
    logits, target = golden()
    curves, counts = frame_groups(logits, target)
    curves, counts = curves[:3], counts[:3]
    assert counts.tolist() == [1, 1, 0]
    first = grouped_f(curves[:2], counts[:2], 2)
    assert grouped_f(curves, counts, 2) == pytest.approx(first / 2)


def test_no_clips_and_bad_arguments():
    none = torch.zeros(0, 255), torch.zeros(0, dtype=torch.long)
    assert grouped_f(*none, 4) == mean_clip_f(*none) == pooled_f(*none) == 0
    with pytest.raises(ValueError, match='clips_per_group'):
        grouped_f(torch.ones(2, 255), torch.ones(2), 0)
    with pytest.raises(ValueError, match=r'\(N, H, W\)'):
        f_curves(torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 4))
    with pytest.raises(ValueError, match=r'\(1, 4, 4\) and \(1, 4, 5\)'):
        frame_areas(torch.zeros(1, 4, 4), torch.zeros(1, 4, 5))
