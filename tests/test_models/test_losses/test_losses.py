# Copyright (c) OpenMMLab. All rights reserved.
"""Each loss against a slow reference that loops over frames."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from mmavs.models.losses import (
    ClipBCELoss,
    ClipCrossEntropyLoss,
    ClipDiceLoss,
    HeatmapDiceLoss,
    dice_per_frame,
)
from mmavs.registry import MODELS


def draw(seed, frames=3, classes=1, size=(5, 7)):
    gen = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(frames, classes, *size, generator=gen)
    target = torch.randint(
        0, max(2, classes), (frames, *size), generator=gen)
    return logits.requires_grad_(), target


def slow_dice(a, b, eps=1e-3):
    overlap = size_a = size_b = 0.0
    for x, y in zip(a.flatten().tolist(), b.flatten().tolist(), strict=True):
        overlap += x * y
        size_a += x * x
        size_b += y * y
    return 1 - 2 * overlap / (size_a + eps + size_b + eps)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 1000))
def test_dice(seed):
    logits, target = draw(seed)
    loss = ClipDiceLoss(loss_weight=2.0)(logits, target)
    expected = [2 * slow_dice(x.sigmoid(), t)
                for x, t in zip(logits[:, 0], target, strict=True)]
    assert loss.shape == (3,)
    assert loss.tolist() == pytest.approx(expected, abs=1e-5)
    loss.sum().backward()
    assert logits.grad.abs().sum() > 0


def test_dice_of_nothing_and_of_everything():
    empty, full = torch.zeros(1, 4, 4), torch.ones(1, 4, 4)
    assert dice_per_frame(empty, empty).item() == 1
    assert dice_per_frame(full, full).item() == pytest.approx(0, abs=1e-3)
    assert dice_per_frame(full, empty).item() == 1


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 1000))
def test_bce(seed):
    logits, target = draw(seed)
    loss = ClipBCELoss(loss_weight=0.5)(logits, target)
    for value, x, t in zip(loss, logits[:, 0], target, strict=True):
        terms = [math.log1p(math.exp(-u if v else u)) for u, v in zip(
            x.flatten().tolist(), t.flatten().tolist(), strict=True)]
        assert value.item() == pytest.approx(
            0.5 * sum(terms) / len(terms), rel=1e-4)


@pytest.mark.parametrize('loss', [ClipDiceLoss, ClipBCELoss])
def test_binary_losses_treat_every_class_as_foreground(loss):
    logits, target = draw(0)
    assert torch.equal(loss()(logits, target), loss()(logits, 7 * target))


@pytest.mark.parametrize('loss', [ClipDiceLoss, ClipBCELoss])
def test_binary_losses_refuse_classes(loss):
    logits, target = draw(0, classes=3)
    with pytest.raises(ValueError, match='use ClipCrossEntropyLoss'):
        loss()(logits, target)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 1000), weighted=st.booleans(),
       ignored=st.floats(0, 0.9))
def test_cross_entropy_is_pytorchs_mean_per_frame(seed, weighted, ignored):
    logits, target = draw(seed, classes=4)
    hole = torch.rand(
        target.shape, generator=torch.Generator().manual_seed(seed))
    target[hole < ignored] = 255
    target[:, 0, 0] = 1
    weight = [0.2, 1.0, 3.0, 0.5] if weighted else None
    loss = ClipCrossEntropyLoss(class_weight=weight)(logits, target)
    for value, x, t in zip(loss, logits, target, strict=True):
        expected = F.cross_entropy(
            x[None], t[None], ignore_index=255,
            weight=torch.tensor(weight) if weighted else None)
        torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-5)


def test_cross_entropy_ignores_pixels_wholly():
    logits, target = draw(1, classes=4)
    target[0, :2] = 255
    loss = ClipCrossEntropyLoss()(logits, target)
    loss.sum().backward()
    assert not logits.grad[0, :, :2].any() and logits.grad[0, :, 2:].any()


def test_cross_entropy_of_a_frame_without_labels_is_zero():
    logits, target = draw(1, classes=4)
    target[1] = 255
    loss = ClipCrossEntropyLoss(class_weight=[1.0] * 4)(logits, target)
    assert loss[1] == 0 and loss[0] > 0
    loss.sum().backward()
    assert logits.grad.isfinite().all() and not logits.grad[1].any()


def test_ignored_class_may_be_a_class():
    logits, target = draw(1, classes=4)
    loss = ClipCrossEntropyLoss(ignore_index=0)(logits, target)
    expected = [F.cross_entropy(x[None], t[None], ignore_index=0)
                for x, t in zip(logits, target, strict=True)]
    torch.testing.assert_close(loss, torch.stack(expected))


def test_cross_entropy_says_what_is_wrong():
    logits, target = draw(0, classes=4)
    with pytest.raises(ValueError, match='3 values for 4 classes'):
        ClipCrossEntropyLoss(class_weight=[1, 1, 1])(logits, target)
    target[0, 0, 0] = 9
    with pytest.raises(ValueError, match='class 9, .* 4 classes.*num_class'):
        ClipCrossEntropyLoss()(logits, target)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 1000), heat_sigmoid=st.booleans())
def test_heatmap_dice(seed, heat_sigmoid):
    gen = torch.Generator().manual_seed(seed)
    heats = [torch.rand(2, 2, s, s, generator=gen) for s in (2, 4, 8)]
    target = torch.randint(0, 3, (2, 8, 8), generator=gen)
    loss = HeatmapDiceLoss(coefficient=2.0, heat_sigmoid=heat_sigmoid)
    found = loss(heats, target)
    for row in range(2):
        total = 0.0
        for weight, heat in zip((0.001, 0.01, 0.1), heats, strict=True):
            step = 8 // heat.shape[-1]
            big = heat[row, 1].repeat_interleave(step, 0)
            big = big.repeat_interleave(step, 1)
            prob = big.sigmoid() if heat_sigmoid else big
            total += weight * slow_dice(prob, (target[row] > 0).float())
        assert found[row].item() == pytest.approx(2 * total, rel=1e-4)


def test_heatmap_dice_counts_the_layers():
    with pytest.raises(ValueError, match='1 heat maps, but weights has 3'):
        HeatmapDiceLoss()([torch.rand(1, 2, 2, 2)], torch.zeros(1, 4, 4))


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_half_precision_logits_give_float32_losses(dtype):
    logits, target = draw(3)
    for loss in (ClipDiceLoss(), ClipBCELoss()):
        half = loss(logits.to(dtype), target)
        assert half.dtype == torch.float32
        torch.testing.assert_close(
            half, loss(logits, target), rtol=0.05, atol=0.01)


@pytest.mark.parametrize('name', [
    'ClipDiceLoss', 'ClipBCELoss', 'ClipCrossEntropyLoss', 'HeatmapDiceLoss'])
def test_losses_are_registered(name):
    assert type(MODELS.build(dict(type=name))).__name__ == name
