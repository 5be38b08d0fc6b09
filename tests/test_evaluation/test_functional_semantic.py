# Copyright (c) OpenMMLab. All rights reserved.
import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmavs.evaluation.functional import (
    class_areas,
    class_means,
    confusion_iou,
    frame_class_scores,
    mean_over_classes,
    mean_without_background,
    mean_without_last,
)


def golden():
    """Four frames of 6 x 6 and five classes with published values."""
    f, c, h, w = np.meshgrid(*map(np.arange, (4, 5, 6, 6)), indexing='ij')
    logits = np.sin(1 + 1.3 * c + 0.4 * h + 0.9 * w + 0.7 * f)
    f, h, w = np.meshgrid(*map(np.arange, (4, 6, 6)), indexing='ij')
    target = (h // 2 + w // 3 + f) % 4
    return (torch.from_numpy(logits).float().argmax(dim=1),
            torch.from_numpy(target))


def test_golden_values():
    areas = class_areas(*golden(), 5)
    scores = frame_class_scores(*areas)
    iou_sum, f_sum = scores.iou.sum(0), scores.f.sum(0)
    counts = scores.present.sum(0)
    np.testing.assert_allclose(
        iou_sum, [.959314, .466346, .485294, .676471, 0], atol=1e-6)
    np.testing.assert_allclose(
        f_sum, [1.621138, .756614, .860974, 1.145731, 0], atol=1e-6)
    assert counts.tolist() == [4] * 5
    iou = class_means(iou_sum, counts)
    assert mean_over_classes(iou) == pytest.approx(.129371, abs=1e-6)
    assert mean_over_classes(class_means(f_sum, counts)) == pytest.approx(
        .219223, abs=1e-6)
    assert mean_without_last(iou) == pytest.approx(.161714, abs=1e-6)
    assert mean_without_background(iou) == pytest.approx(.101757, abs=1e-6)
    inter, pred, lab = (area.sum(0) for area in areas)
    dataset = confusion_iou(inter, pred + lab - inter)
    assert float(dataset.nanmean()) == pytest.approx(.120465, abs=1e-6)


def test_reference_arrays(shared_dir):
    arrays = np.load(shared_dir / 'parity' / 'metrics_audio.npz')
    expected = json.loads((shared_dir / 'parity' / 'metrics_audio.json'
                           ).read_text())['semantic']
    scores = frame_class_scores(*class_areas(
        torch.from_numpy(arrays['semantic.pred']),
        torch.from_numpy(arrays['semantic.gt']), 71))
    counts = scores.present.sum(0)
    iou = class_means(scores.iou.sum(0), counts)
    f = class_means(scores.f.sum(0), counts)
    for value, key in ((mean_over_classes(iou), 'miou'),
                       (mean_without_last(iou), 'miou_official_nobg'),
                       (mean_without_background(iou), 'miou_without_class0'),
                       (mean_over_classes(f), 'fscore'),
                       (mean_without_last(f), 'fscore_official_nobg')):
        assert value == pytest.approx(expected[key], abs=1e-6), key
    seen = [int(key) for key in expected['class_count']]
    assert torch.nonzero(counts).flatten().tolist() == seen
    for key, values in (('per_class_iou', iou), ('per_class_f', f),
                        ('class_count', counts)):
        np.testing.assert_allclose(
            values[seen], list(expected[key].values()), atol=1e-6)


maps = st.lists(st.lists(st.integers(0, 3), min_size=12, max_size=12),
                min_size=1, max_size=3)


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_scores_equal_a_plain_loop(data):
    pred = torch.tensor(data.draw(maps)).view(-1, 3, 4)
    target = torch.tensor(data.draw(st.lists(
        st.lists(st.integers(0, 3), min_size=12, max_size=12),
        min_size=len(pred), max_size=len(pred)))).view(-1, 3, 4)
    scores = frame_class_scores(*class_areas(pred, target, 4))
    for n in range(len(pred)):
        for c in range(4):
            p, g = pred[n] == c, target[n] == c
            inter, union = (p & g).sum().item(), (p | g).sum().item()
            assert scores.present[n, c].item() == (union > 0)
            iou = inter / union if union else 0.
            assert scores.iou[n, c].item() == pytest.approx(iou)
            f = 0.
            if inter:
                precision = inter / p.sum().item()
                recall = inter / g.sum().item()
                f = 1.3 * precision * recall / (0.3 * precision + recall)
            assert scores.f[n, c].item() == pytest.approx(f)


def test_class_that_never_occurs_stays_in_the_official_mean():
    means = class_means(torch.tensor([1., 0.]), torch.tensor([1, 0]))
    assert means[1].isnan()
    assert mean_over_classes(means) == 0.5


@pytest.mark.parametrize('which', ['prediction', 'ground truth'])
def test_class_out_of_range_is_named(which):
    good, bad = torch.zeros(1, 2, 2), torch.full((1, 2, 2), 9)
    pair = (bad, good) if which == 'prediction' else (good, bad)
    with pytest.raises(ValueError, match=f'class 9 in the {which}'):
        class_areas(*pair, 5)


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r'\(N, H, W\)'):
        class_areas(torch.zeros(1, 2, 2), torch.zeros(1, 2, 3), 5)
    assert class_areas(torch.zeros(0, 2, 2), torch.zeros(0, 2, 2),
                       5)[0].shape == (0, 5)
