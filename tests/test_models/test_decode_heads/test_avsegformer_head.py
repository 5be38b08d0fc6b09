# Copyright (c) OpenMMLab. All rights reserved.
import pytest
import torch
import torch.nn.functional as F

from mmavs.models.decode_heads import AVSegFormerHead
from mmavs.models.decode_heads.avsegformer_layers import (
    CrossModalMixer,
    GeneratorLayer,
)
from mmavs.models.losses.dice_loss import dice_per_frame

from ..helpers import close, make_features, make_sample, wake

SMALL = dict(num_queries=10, num_layers=2, num_heads=4, ffn_channels=32)


def build(**options):
    torch.manual_seed(0)
    return wake(AVSegFormerHead([32] * 4, 16, **{**SMALL, **options})).eval()


def test_sizes_of_the_paper():
    """Millions of parameters, part by part; PVT-v2-b5, binary."""
    with torch.device('meta'):
        head = AVSegFormerHead([64, 128, 320, 512], 256, channels=256)
    sizes = {name: round(sum(p.numel() for p in part.parameters()) / 1e6, 3)
             for name, part in head.named_children()}
    encoder, decoder = (
        round(sum(p.numel() for p in part.parameters()) / 1e6, 2)
        for part in (head.transformer.encoder, head.transformer.decoder))
    assert (encoder, decoder) == (7.55, 9.47)
    assert sizes['query_generator'] == pytest.approx(6.39, abs=0.006)
    assert sizes['mlp'] == pytest.approx(5.34, abs=0.006)
    assert sizes['in_proj'] == pytest.approx(0.27, abs=0.006)
    assert sizes['out_conv'] == pytest.approx(0.59, abs=0.006)
    assert sizes['fc'] == pytest.approx(0.33, abs=0.006)
    assert sizes['fusion_block'] == pytest.approx(0.26, abs=0.006)
    assert sizes['lateral_conv'] == 0.066
    assert sizes['learnable_query'] == 0.077
    assert sizes['audio_in'] == 0


def test_names_of_the_released_checkpoints():
    names = set(AVSegFormerHead([32] * 4, 32, **SMALL).state_dict())
    layer = 'transformer.encoder.layers.1.'
    assert {
        'level_embed', 'learnable_query.weight', 'in_proj.3.1.bias',
        'query_generator.query.weight', 'mlp.layers.2.weight',
        'query_generator.layers.1.cross_attn.in_proj_weight',
        'query_generator.layers.1.ffn.2.weight', 'out_conv.1.weight',
        layer + 'self_attn.sampling_offsets.weight',
        layer + 'self_attn.value_proj.bias', layer + 'linear2.weight',
        'transformer.decoder.layers.1.cross_attn.out_proj.bias',
        'fusion_block.kv_proj.weight', 'fusion_block.proj.bias',
        'lateral_conv.1.weight', 'fc.0.bias', 'fc.2.bias', 'fc.4.weight',
    } <= names
    assert 'fc.4.bias' not in names
    assert 'query_generator.layers.1.self_attn.in_proj_bias' not in names


@pytest.mark.parametrize('size', [(32, 32), (96, 64)])
@pytest.mark.parametrize('stride', [1, 2, 4])
def test_logits_have_the_input_size_over_the_stride(size, stride):
    outputs = build(logit_stride=stride)(
        make_features(clips=1, seconds=2, size=size))
    assert outputs['logits'].shape == (2, 1, *(s // stride for s in size))
    assert [q.shape for q in outputs['queries']] == [(2, 10, 32)] * 2
    assert outputs['mask_feature'].shape[2:] == tuple(s // 4 for s in size)


def test_padded_seconds_are_zero():
    outputs = build()(make_features(lengths=[3, 2]))
    for key in ('logits', 'mask_feature'):
        assert not outputs[key][5].any() and outputs[key][4].any()


def test_the_sound_matters_to_its_own_frame_only():
    head, features = build(), make_features(clips=1)
    before = head(features)['logits']
    features.audio[0, 1] += 1
    change = (head(features)['logits'] - before).abs().amax(dim=(1, 2, 3))
    assert (change > 0).tolist() == [False, True, False]


def test_with_one_token_the_sound_adds_the_same_to_all_queries():
    layer = wake(GeneratorLayer(16, num_heads=4, ffn_channels=8))
    attn, audio = layer.cross_attn, torch.randn(2, 1, 16)
    y = attn(torch.randn(2, 5, 16), audio, audio)[0]
    value = audio @ attn.in_proj_weight[32:].t() @ attn.out_proj.weight.t()
    close(y, value.expand(-1, 5, -1))


def test_mixer_as_the_paper_writes_it():
    torch.manual_seed(0)
    mixer = wake(CrossModalMixer(16, num_heads=4))
    x, audio = torch.randn(2, 16, 3, 5), torch.randn(2, 1, 16)
    gates = []
    for frame, sound in zip(x, audio, strict=True):
        pixels = frame.flatten(1).t()
        k, v = mixer.kv_proj(pixels).split(16, dim=1)
        pooled = [
            F.softmax(k[:, part] @ mixer.q_proj(sound)[0, part] / 2, dim=0)
            @ v[:, part] for part in torch.arange(16).split(4)]
        gates.append(mixer.proj(torch.cat(pooled)).sigmoid())
    close(mixer(x, audio), x * torch.stack(gates)[:, :, None, None])


def test_mixing_loss():
    head, features = build(), make_features(clips=1, seconds=2)
    outputs = head(features)
    gt = torch.randint(0, 2, (2, 64, 64))
    losses = head.loss_by_feat(outputs, features, [make_sample(gt)])
    assert sorted(losses) == ['loss_bce', 'loss_dice', 'loss_mix']
    logits = F.interpolate(outputs['mask_feature'].mean(1, True), (64, 64),
                           mode='bilinear', align_corners=False)
    expected = 0.1 * dice_per_frame(logits[:, 0].sigmoid(), gt).mean()
    torch.testing.assert_close(losses['loss_mix'], expected)
    assert build(loss_aux={}).extra_losses(outputs, gt) == {}


@pytest.mark.parametrize(('options', 'reason'), [
    (dict(channels=30), 'num_heads'), (dict(logit_stride=3), 'logit_stride')])
def test_what_cannot_be_built(options, reason):
    with pytest.raises(ValueError, match=reason):
        build(**options)
