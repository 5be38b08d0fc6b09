# Copyright (c) OpenMMLab. All rights reserved.
"""Inputs at the edge: everything stays finite, forward and backward."""

from functools import cache

import pytest
import torch

from mmavs.audio import log_mel_spectrogram
from mmavs.models.audio_encoders import LogMelCNN
from mmavs.models.decode_heads.clever_layers import GroupingAttention
from mmavs.models.losses import ClipBCELoss, ClipDiceLoss
from mmavs.models.necks.dam import DAMBlock
from mmavs.structures import AVSDataSample

from ..small_models import WIDTH, small_model

NAMES = ['selm/selm_r50_ms3.py', 'selm/selm_pvt_avss.py',
          'film_fpn/film-fpn_r50_ms3.py']
DTYPES = [None, torch.bfloat16, torch.float16]


def finite(*tensors):
    return all(bool(tensor.isfinite().all()) for tensor in tensors)


@cache
def build(name):
    torch.manual_seed(0)
    return small_model(name).train()


@pytest.fixture(params=NAMES)
def model(request):
    return build(request.param)


def constant(value):
    return torch.full((2, 2, 3, 64, 64), float(value))


def clips(frames=None, audio=None):
    gen = torch.Generator().manual_seed(0)
    return dict(
        frames=(torch.randn(2, 2, 3, 64, 64, generator=gen)
                if frames is None else frames),
        audio_embedding=(torch.rand(2, 2, 1, WIDTH, generator=gen)
                         if audio is None else audio),
        valid=torch.ones(2, 2, dtype=torch.bool))


@pytest.mark.parametrize('masks', ['empty', 'some'])
@pytest.mark.parametrize('inputs', [
    dict(frames=constant(0)),
    dict(audio=torch.full((2, 2, 1, WIDTH), 300.)),
    dict(frames=constant(2.6), audio=torch.zeros(2, 2, 1, WIDTH))])
def test_constant_frames_silence_and_any_mask(model, inputs, masks):
    samples = []
    for _ in range(2):
        sample = AVSDataSample()
        sample.gt_sem_seg = torch.zeros(2, 48, 48, dtype=torch.uint8)
        if masks == 'some':
            sample.gt_sem_seg[0, :9] = 1
        samples.append(sample)
    model.zero_grad()
    losses = model(clips(**inputs), samples, mode='loss')
    total = sum(value.sum() for value in losses.values())
    total.backward()
    assert finite(total, *(p.grad for p in model.parameters()
                           if p.grad is not None))


@pytest.mark.parametrize('dtype', DTYPES)
def test_half_precision_and_large_values(model, dtype):
    inputs = clips()
    inputs['frames'] *= 20
    inputs['audio_embedding'] *= 100
    with torch.no_grad(), torch.autocast(
            'cpu', dtype or torch.bfloat16, enabled=dtype is not None):
        outputs = model(inputs)
    assert finite(outputs['logits'])


@pytest.mark.parametrize('dtype', DTYPES)
@pytest.mark.parametrize('scale', [0., 1e-6, 1., 6e4])
def test_cosine_attention(dtype, scale):
    """Products of such numbers are beyond what float16 holds."""
    torch.manual_seed(0)
    layer = GroupingAttention(32, dropout=0., gumbel=True,
                              gumbel_at_test=True)
    torch.nn.init.constant_(layer.tau, -5.)  # sharper than a training gets
    for linear in (layer.q_proj, layer.k_proj):
        torch.nn.init.constant_(linear.bias, scale)
    tokens = torch.randn(3, 2, 32) * scale
    vis = (torch.randn(3, 50, 32) * scale).requires_grad_()
    with torch.autocast('cpu', dtype or torch.bfloat16,
                        enabled=dtype is not None):
        out, heat = layer(tokens, vis)
        (out.float().square().sum() + heat.sum()).backward()
    assert finite(out, heat, vis.grad)
    assert finite(*(p.grad for p in layer.parameters()))
    torch.testing.assert_close(heat.sum(dim=1), torch.ones(3, 50))


@pytest.mark.parametrize('dtype', DTYPES)
@pytest.mark.parametrize('side', [1, 320])
def test_softmax_over_huge_maps(dtype, side):
    """V2A spreads a token over all pixels, here over 102,400."""
    torch.manual_seed(0)
    block = DAMBlock(4, 8, value_norm='none')
    x = torch.randn(1, 4, side, side)
    x[..., 0, 0] = 1e3
    mask = torch.ones(1, 1)
    with torch.no_grad(), torch.autocast('cpu', dtype or torch.bfloat16,
                                         enabled=dtype is not None):
        for value in (x, torch.zeros_like(x), torch.full_like(x, 7.)):
            assert finite(*block(value, torch.randn(1, 1, 8), mask))


def test_silence():
    """Digital silence, one sample, full scale: through the front end."""
    encoder = LogMelCNN(out_channels=8, width=8)
    for waveform in (torch.zeros(80000), torch.zeros(1), torch.ones(80000),
                     -torch.ones(1), torch.zeros(0)):
        log_mel = log_mel_spectrogram(waveform, num_seconds=5)
        assert log_mel.shape == (5, 1, 1, 96, 64)
        assert finite(log_mel, encoder(log_mel.flatten(0, 1)))


@pytest.mark.parametrize('level', [-100., -1., 0., 1., 100.])
def test_dice_has_no_gradient_on_empty_masks_and_bce_has(level):
    """As its docstring says: a frame in which nothing sounds teaches Dice
    nothing.
    """
    target = torch.zeros(2, 8, 8, dtype=torch.long)
    grads = {}
    for loss in (ClipDiceLoss(), ClipBCELoss()):
        logits = torch.full((2, 1, 8, 8), level, requires_grad=True)
        value = loss(logits, target)
        value.sum().backward()
        assert finite(value, logits.grad)
        grads[type(loss)] = logits.grad
    assert not grads[ClipDiceLoss].any()
    assert 'no gradient' in ' '.join(ClipDiceLoss.__doc__.split())
    if level > -50:
        assert (grads[ClipBCELoss] > 0).all()


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_losses_of_huge_half_precision_logits(dtype):
    top = torch.finfo(dtype).max / 2
    target = torch.zeros(1, 4, 4, dtype=torch.long)
    target[0, :2] = 1
    for value in (top, -top):
        logits = torch.full((1, 1, 4, 4), value, dtype=dtype)
        assert finite(ClipDiceLoss()(logits, target))
        if dtype == torch.float16:
            assert finite(ClipBCELoss()(logits, target))
