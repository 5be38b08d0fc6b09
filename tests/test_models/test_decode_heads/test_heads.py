# Copyright (c) OpenMMLab. All rights reserved.
"""What every decode head must do."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from mmavs.models.decode_heads import AVSegFormerHead, CLEVERHead, FPNHead
from mmavs.registry import MODELS

from ..helpers import (
    assert_all_gradients,
    close,
    make_features,
    make_sample,
    take_clips,
    wake,
)

HEADS = {
    'avsegformer': (AVSegFormerHead, dict(
        num_queries=10, num_layers=2, num_heads=4, ffn_channels=32,
        dropout=0.0, channels=64)),
    'clever': (CLEVERHead, dict(pe_sizes=(4, 8, 16))),
    'clever-audio': (CLEVERHead, dict(
        pe_sizes=(4, 8, 16), attentions=('audio', 'audio'))),
    'clever-visual': (CLEVERHead, dict(
        pe_sizes=(4, 8, 16), attentions=('visual', 'visual'))),
    'fpn': (FPNHead, dict(channels=16)),
}
each_head = pytest.mark.parametrize('name', HEADS)


def build(name, width=32, **options):
    torch.manual_seed(0)
    cls, defaults = HEADS[name]
    widths = [width] * 4 if isinstance(width, int) else width
    return wake(cls(widths, 16, **{**defaults, **options})).eval()


@each_head
@settings(deadline=None, max_examples=8)
@given(clips=st.integers(1, 2), seconds=st.integers(1, 3),
       tokens=st.integers(1, 3), height=st.integers(1, 3),
       width=st.integers(1, 3), classes=st.sampled_from([1, 5]))
def test_shapes(name, clips, seconds, tokens, height, width, classes):
    head = build(name, num_classes=classes)
    features = make_features(clips=clips, seconds=seconds, tokens=tokens,
                             size=(32 * height, 32 * width))
    outputs = head(features)
    assert outputs['logits'].shape[:2] == (clips * seconds, classes)
    scores = head.predict_by_feat(outputs, features, (17, 23))
    assert scores.shape == (clips, seconds, classes, 17, 23)


@each_head
def test_widths_may_differ(name):
    widths = [8, 16, 24, 32]
    outputs = build(name, widths)(make_features(width=widths))
    assert outputs['logits'].shape[1] == 1


@each_head
@pytest.mark.parametrize('classes', [1, 4])
def test_gradients_reach_everything(name, classes):
    head = build(name, num_classes=classes).train()
    features = make_features(tokens=2)
    gt = torch.randint(0, max(2, classes), (3, 32, 32))
    losses = head.loss_by_feat(
        head(features), features, [make_sample(gt), make_sample(gt)])
    assert all(key.startswith('loss_') for key in losses)
    sum(losses.values()).backward()
    # exp(min(tau, 0)) is flat above 0, and tau starts at 1
    assert_all_gradients(head, but=('tau',))


@each_head
def test_clips_are_independent(name):
    head = build(name)
    features = make_features(clips=3, tokens=2)
    together = head(features)['logits'].unflatten(0, (3, 3))
    for order in ([1], [2, 0, 1]):
        alone = head(take_clips(features, order))['logits']
        close(alone, together[order].flatten(0, 1))


@each_head
def test_padded_seconds_are_zero(name):
    head = build(name)
    features = make_features(lengths=[1, 3])
    outputs = head(features)
    scores = head.predict_by_feat(outputs, features, (32, 32))
    assert not scores[0, 1:].any()
    assert scores[0, 0].any() and scores[1].flatten(1).any(dim=1).all()


@each_head
def test_eval_mode_is_deterministic(name):
    head = build(name)
    features = make_features()
    assert torch.equal(head(features)['logits'], head(features)['logits'])


@each_head
def test_prediction_resizes_with_aligned_corners(name):
    head, features = build(name), make_features()
    outputs = head(features)
    expected = F.interpolate(outputs['logits'], (50, 40), mode='bilinear',
                             align_corners=True)
    found = head.predict_by_feat(outputs, features, (50, 40))
    torch.testing.assert_close(found.flatten(0, 1), expected)


def test_only_labelled_frames_count():
    head = build('fpn')
    features = make_features(lengths=[2, 3])
    outputs = head(features)
    size = outputs['logits'].shape[-2:]
    gt = [torch.randint(0, 2, (n, *size)) for n in (2, 3)]
    samples = [make_sample(gt[0], [True, False]),
               make_sample(gt[1], [False, True, True])]
    losses = head.loss_by_feat(outputs, features, samples)
    rows = [0, 4, 5]  # second t of clip b is row 3 b + t
    target = torch.stack([gt[0][0], gt[1][1], gt[1][2]]).float()
    expected = F.binary_cross_entropy_with_logits(
        outputs['logits'][rows, 0], target)
    torch.testing.assert_close(losses['loss_bce'], expected)


def test_labels_without_flags_all_count_but_never_padding():
    head = build('fpn')
    features = make_features(lengths=[2, 3])
    outputs = head(features)
    gt = torch.ones(3, 16, 16)
    samples = [make_sample(gt), make_sample(gt)]
    losses = head.loss_by_feat(outputs, features, samples)
    rows = [0, 1, 3, 4, 5]
    expected = F.binary_cross_entropy_with_logits(
        outputs['logits'][rows, 0], torch.ones(5, 16, 16))
    torch.testing.assert_close(losses['loss_bce'], expected)


def test_no_labelled_frame_gives_zero_with_a_graph():
    head = build('clever')
    features = make_features(clips=1)
    losses = head.loss_by_feat(head(features), features, [make_sample(
        torch.zeros(3, 16, 16), [False] * 3)])
    assert all(value == 0 for value in losses.values())
    sum(losses.values()).backward()


def test_losses_are_named_in_the_config():
    head = MODELS.build(dict(
        type='FPNHead', in_channels=[8] * 4, loss_decode=dict(
            dice=None, main=dict(type='ClipBCELoss', loss_weight=3.0))))
    assert list(head.loss_decode) == ['main']
    assert head.loss_decode['main'].loss_weight == 3.0


def test_semantic_heads_default_to_cross_entropy():
    assert list(build('fpn', num_classes=7).loss_decode) == ['ce']
    assert list(build('fpn').loss_decode) == ['dice', 'bce']


@pytest.mark.parametrize('samples, message', [
    (None, 'is LoadClipMasks in the training pipeline'),
    ([make_sample(torch.zeros(3, 8, 8)), make_sample(torch.zeros(3, 4, 4))],
     'add ResizeMasks'),
])
def test_labels_that_cannot_be_used(samples, message):
    head, features = build('fpn'), make_features()
    with pytest.raises(ValueError, match=message):
        head.loss_by_feat(head(features), features, samples)


def test_a_clip_without_labels_is_named():
    head, features = build('fpn'), make_features()
    bare = make_sample(torch.zeros(3, 8, 8))
    del bare.gt_sem_seg
    bare.set_metainfo(dict(clip_id='abc'))
    with pytest.raises(ValueError, match="without it: .'abc'"):
        head.loss_by_feat(head(features), features,
                          [make_sample(torch.zeros(3, 8, 8)), bare])


def test_num_classes_is_checked():
    with pytest.raises(ValueError, match='num_classes must be at least 1'):
        FPNHead([8] * 4, num_classes=0)
