# Copyright (c) OpenMMLab. All rights reserved.
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from mmavs.models.decode_heads import CLEVERHead
from mmavs.models.decode_heads.clever_layers import (
    AudioCrossAttention,
    Fuse,
    GroupingAttention,
    resize_positions,
)

from ..helpers import close, make_features, make_sample, wake


def build(**options):
    torch.manual_seed(0)
    return wake(CLEVERHead(
        [32] * 4, 16, **{'pe_sizes': (4, 8, 16), **options})).eval()


def test_sizes_of_the_paper():
    """11.63 M, less the 0.79 M that never run in the released file."""
    head = CLEVERHead([256] * 4, 256)
    assert sum(p.numel() for p in head.parameters()) == 10_843_140


@pytest.mark.parametrize('size', [(64, 64), (96, 32), (160, 224)])
@pytest.mark.parametrize('stride', [1, 2])
@pytest.mark.parametrize('steps', [1, 2])
def test_logits_have_the_input_size_over_the_stride(size, stride, steps):
    head = build(logit_stride=stride, upsample_steps=steps)
    logits = head(make_features(clips=1, seconds=2, size=size))['logits']
    assert logits.shape[-2:] == tuple(s // stride for s in size)


def test_heat_maps_are_one_hot_and_as_fine_as_the_skips():
    features = make_features(size=(64, 96))
    outputs = build()(features)
    for heat, x in zip(outputs['heatmaps'], features.maps[2::-1],
                       strict=True):
        assert heat.shape == (6, 2, *x.shape[-2:])
        torch.testing.assert_close(heat.sum(dim=1), torch.ones_like(x[:, 0]))
        assert ((heat.round() - heat).abs() < 1e-6).all()


@settings(deadline=None, max_examples=20)
@given(side=st.integers(2, 8), height=st.integers(1, 12),
       width=st.integers(1, 12))
def test_positions_are_interpolated_row_by_row(side, height, width):
    table = torch.randn(side**2, 3)
    found = resize_positions(table, (height, width))
    expected = F.interpolate(
        table.view(side, side, 3).permute(2, 0, 1)[None], (height, width),
        mode='bicubic', align_corners=False)[0].permute(1, 2, 0)
    torch.testing.assert_close(found, expected.reshape(-1, 3))
    if (height, width) == (side, side):
        assert found is table


def test_grouping_as_the_paper_writes_it():
    torch.manual_seed(0)
    attn = wake(GroupingAttention(8, dropout=0.1, gumbel=True,
                                  gumbel_at_test=False)).eval()
    tokens, vis = torch.randn(2, 2, 8), torch.randn(2, 15, 8)
    found, heat = attn(tokens, vis)
    pixels = attn.norm_vis(vis)
    q, k = attn.q_proj(attn.norm_tokens(tokens)), attn.k_proj(pixels)
    cosine = F.cosine_similarity(q[:, :, None], k[:, None], dim=-1)
    expected = F.one_hot(cosine.argmax(dim=1), 2).float().transpose(1, 2)
    torch.testing.assert_close(heat, expected)
    v = attn.v_proj(pixels)
    gathered = torch.stack([
        (expected[:, i, :, None] * v).sum(dim=1)
        / (expected[:, i].sum(dim=1)[:, None] + 1) for i in range(2)], dim=1)
    out = attn.mlp(attn.norm_out(attn.proj(gathered) + tokens))
    close(found, out)


def test_choice_has_the_gradient_of_the_softmax():
    attn = GroupingAttention(8, dropout=0, gumbel=False, gumbel_at_test=False)
    torch.nn.init.constant_(attn.tau, -0.5)
    q = torch.randn(1, 2, 8, requires_grad=True)
    k = torch.randn(1, 5, 8)
    weight = torch.randn(1, 2, 5)
    (attn.choose(q, k) * weight).sum().backward()
    soft_q = q.detach().clone().requires_grad_()
    cosine = F.cosine_similarity(soft_q[:, :, None], k[:, None], dim=-1)
    temperature = torch.tensor(-0.5).exp()
    ((cosine / temperature).softmax(dim=1) * weight).sum().backward()
    torch.testing.assert_close(q.grad, soft_q.grad)
    assert attn.tau.grad.abs() > 0


@pytest.mark.parametrize('training, gumbel, at_test, random', [
    (True, True, False, True), (True, False, False, False),
    (False, True, False, False), (False, True, True, True),
    (False, False, True, True)])
def test_gumbel_noise(training, gumbel, at_test, random):
    torch.manual_seed(0)
    attn = GroupingAttention(
        8, dropout=0, gumbel=gumbel, gumbel_at_test=at_test).train(training)
    q, k = torch.randn(1, 2, 8), torch.randn(1, 400, 8)
    assert torch.equal(attn.choose(q, k), attn.choose(q, k)) != random


def test_gumbel_at_test_changes_the_masks():
    features = make_features()
    head = build(gumbel_at_test=True)
    assert not torch.equal(head(features)['logits'],
                           head(features)['logits'])


def test_audio_attention_is_softmax_attention():
    torch.manual_seed(0)
    attn = wake(AudioCrossAttention(8, 6, dropout=0.1)).eval()
    target, audio = torch.randn(3, 1, 8), torch.randn(3, 4, 6)
    keys = attn.norm_k(audio)
    out = F.scaled_dot_product_attention(
        attn.q_proj(attn.norm_q(target)), attn.k_proj(keys),
        attn.v_proj(keys))
    close(attn(target, audio), target + attn.proj(out))


def test_fuse_takes_the_larger_size():
    fuse = Fuse(4, 6, 8)
    small, large = torch.randn(1, 4, 3, 5), torch.randn(1, 6, 6, 10)
    assert fuse(small, large).shape == (1, 8, 6, 10)
    assert Fuse(6, 4, 8)(large, small).shape == (1, 8, 6, 10)


def test_sound_changes_the_mask():
    head, features = build(), make_features()
    other = features.replace(audio=torch.randn_like(features.audio))
    a, b = head(features)['logits'], head(other)['logits']
    assert (a - b).abs().max() > 1e-3 * a.abs().max()


def test_semantic_kernels_have_no_bias():
    assert build(num_classes=5).mask_head.kernel.out_features == 5 * 32
    assert build(num_classes=1).mask_head.kernel.out_features == 33


@pytest.mark.parametrize('aux, names', [
    (None, {'loss_heatmap'}), ({}, set()), (dict(heatmap=None), set())])
def test_auxiliary_loss_can_be_left_out(aux, names):
    head, features = build(loss_aux=aux), make_features(clips=1)
    losses = head.loss_by_feat(head(features), features, [
        make_sample(torch.ones(3, 64, 64))])
    assert set(losses) - {'loss_dice', 'loss_bce'} == names


@pytest.mark.parametrize('wrong', [
    dict(pe_sizes=(4, 8)), dict(group_dropout=(0.1,))])
def test_layers_must_match(wrong):
    with pytest.raises(ValueError, match='4 maps need 3 pe_sizes'):
        build(**wrong)


def attention_parts(head):
    return [type(part).__name__ for part in head.layers[0].modules()
            if type(part) in (AudioCrossAttention, GroupingAttention)]


@pytest.mark.parametrize(('attentions', 'kind'), [
    (('audio', 'audio'), AudioCrossAttention),
    (('visual', 'visual'), GroupingAttention)])
def test_one_modality_has_as_many_attentions(attentions, kind):
    head = build(attentions=attentions)
    assert attention_parts(head) == [kind.__name__] * 2
    assert len(attention_parts(build())) == 2


def test_without_audio_attention_the_sound_does_not_matter():
    features = make_features()
    other = features.replace(audio=features.audio + 1)
    head = build(attentions=('visual', 'visual'))
    outputs = head(features)
    assert torch.equal(outputs['logits'], head(other)['logits'])
    assert len(outputs['heatmaps']) == 3
    for attentions in (('audio', 'visual'), ('audio', 'audio')):
        head = build(attentions=attentions)
        assert not torch.equal(head(features)['logits'],
                               head(other)['logits'])


@pytest.mark.parametrize('num_classes', [1, 5])
def test_checkpointing_changes_no_number(num_classes):
    """Values and gradients; the largest map exists one frame at a time."""
    features = make_features(clips=2, seconds=2)
    widest = []

    def run(with_cp):
        head = build(num_classes=num_classes, with_cp=with_cp).train()
        head.mask_head.upsample[-1][1].register_forward_hook(
            lambda *args: widest.append(len(args[-1])))
        torch.manual_seed(1)  # dropout and Gumbel noise
        outputs = head(features)
        (outputs['logits'].square().mean()
         + outputs['heatmaps'][-1].square().mean()).backward()
        return outputs['logits'], {
            name: p.grad for name, p in head.named_parameters()}

    (plain, plain_grads), (saved, saved_grads) = run(False), run(True)
    assert widest == [4] + [1] * 8  # forward, and again in the backward
    close(saved, plain)
    largest = max(grad.abs().max() for grad in plain_grads.values())
    for name, grad in plain_grads.items():
        # a bias before a norm of single channels has none but for rounding
        torch.testing.assert_close(
            saved_grads[name], grad, rtol=1e-4, atol=1e-6 * largest.item())


@pytest.mark.parametrize('num_classes', [1, 3])
def test_fast_convolutions_without_gradient_change_no_mask(
        num_classes, monkeypatch):
    monkeypatch.setattr(
        'mmavs.models.layers.upsampling._FEW_PIXELS', 100)
    torch.manual_seed(0)
    head = wake(CLEVERHead([128] * 4, 16, pe_sizes=(4, 8, 16),
                           num_classes=num_classes)).eval()
    features = make_features(clips=1, seconds=2, width=128)
    expected = head(features)['logits']
    with torch.no_grad():
        found = head(features)['logits']
    assert not torch.equal(found, expected)  # computed in another way
    close(found, expected)


def test_checkpointing_rests_outside_training():
    head = build(with_cp=True)
    sizes = []
    head.mask_head.upsample[-1][1].register_forward_hook(
        lambda *args: sizes.append(len(args[-1])))
    head(make_features(clips=1, seconds=3))
    with torch.no_grad():
        head.train()(make_features(clips=1, seconds=3))
    assert sizes == [3, 3]


def test_without_visual_attention_there_are_no_heat_maps():
    head = build(attentions=('audio', 'audio'))
    assert head(make_features())['heatmaps'] == []
    assert len(head.loss_aux) == 0
    with pytest.raises(ValueError, match=r'loss_aux=dict\(heatmap=None\)'):
        build(attentions=('audio', 'audio'),
              loss_aux=dict(heatmap=dict(type='HeatmapDiceLoss')))


def test_attentions_must_be_a_pair_that_exists():
    with pytest.raises(ValueError, match='attentions must be one of'):
        build(attentions=('visual', 'audio'))
