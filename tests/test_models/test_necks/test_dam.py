# Copyright (c) OpenMMLab. All rights reserved.
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmavs.models.necks import DAM, DAMBlock
from mmavs.models.necks.dam import instance_norm
from mmavs.registry import MODELS

from ..helpers import assert_all_gradients, close, wake

WIDTHS = (8, 12, 16, 24)


def fuse_inputs(clips=2, seconds=3, tokens=1, size=(4, 6), width=8, seed=0):
    gen = torch.Generator().manual_seed(seed)
    x = torch.randn(clips * seconds, width, *size, generator=gen)
    audio = torch.randn(clips, seconds, tokens, 16, generator=gen)
    return x, audio, torch.ones(clips, seconds, dtype=torch.bool)


@settings(deadline=None, max_examples=15)
@given(seconds=st.integers(1, 4), tokens=st.integers(1, 4),
       height=st.integers(1, 5), width=st.integers(1, 5),
       stage=st.integers(0, 3),
       value_norm=st.sampled_from(['instance', 'none', 'layer']))
def test_shapes(seconds, tokens, height, width, stage, value_norm):
    dam = DAM(WIDTHS, 16, value_norm=value_norm)
    x, audio, valid = fuse_inputs(
        2, seconds, tokens, (height, width), WIDTHS[stage])
    y, heard = dam.fuse(stage, x, audio, valid)
    assert y.shape == x.shape and heard.shape == audio.shape
    assert y.isfinite().all() and heard.isfinite().all()


def test_instance_norm():
    x = torch.randn(2, 3, 7)
    torch.testing.assert_close(
        instance_norm(x), torch.nn.InstanceNorm1d(3)(x))
    assert not instance_norm(x[..., :1]).any()


def sound_changes_map(value_norm, tokens):
    dam = wake(DAM(WIDTHS, 16, value_norm=value_norm))
    x, audio, valid = fuse_inputs(tokens=tokens)
    before, _ = dam.fuse(0, x, audio, valid)
    after, _ = dam.fuse(0, x, audio + torch.randn_like(audio), valid)
    return ((after - before).abs().max() / before.abs().max()).item()


def test_released_a2v_hears_nothing_with_one_token():
    torch.manual_seed(0)
    assert sound_changes_map('instance', tokens=1) < 1e-4
    assert sound_changes_map('instance', tokens=4) > 1e-2


@pytest.mark.parametrize('value_norm', ['none', 'layer'])
def test_live_a2v_hears(value_norm):
    torch.manual_seed(0)
    assert sound_changes_map(value_norm, tokens=1) > 1e-2


def test_value_norms_share_their_parameters():
    shapes = [{k: v.shape for k, v in DAM(
        WIDTHS, value_norm=norm).state_dict().items()}
        for norm in ('instance', 'none', 'layer')]
    assert shapes[0] == shapes[1] == shapes[2]


@pytest.mark.parametrize('directions', [('a2v',), ('v2a',), ('a2v', 'v2a')])
def test_directions(directions):
    dam = wake(DAM(WIDTHS, 16, directions=directions))
    x, audio, valid = fuse_inputs()
    y, heard = dam.fuse(0, x, audio, valid)
    assert torch.equal(y, x) == ('a2v' not in directions)
    assert torch.equal(heard, audio) == ('v2a' not in directions)
    names = ''.join(name for name, _ in dam.named_parameters())
    assert ('a2v' in names, 'v2a' in names) == (
        'a2v' in directions, 'v2a' in directions)


def test_both_directions_read_the_same_inputs():
    full = wake(DAMBlock(8, 16))
    x, audio, mask = torch.randn(2, 8, 3, 3), torch.randn(2, 2, 16), (
        torch.ones(2, 2))
    y, heard = full(x, audio, mask)
    for index, direction in enumerate(('a2v', 'v2a')):
        one = DAMBlock(8, 16, directions=(direction,))
        one.load_state_dict({k: v for k, v in full.state_dict().items()
                             if k.startswith(direction)})
        assert torch.equal(one(x, audio, mask)[index], (y, heard)[index])


@pytest.mark.parametrize('stages', [(0,), (0, 1), (3, 2), (0, 1, 2, 3)])
def test_stages(stages):
    dam = wake(DAM(WIDTHS, 16, stages=stages))
    for stage, width in enumerate(WIDTHS):
        x, audio, valid = fuse_inputs(width=width)
        y, heard = dam.fuse(stage, x, audio, valid)
        assert torch.equal(y, x) == (stage not in stages)
        assert torch.equal(heard, audio) == (stage not in stages)


def test_masked_seconds_do_not_reach_others():
    dam = wake(DAM(WIDTHS, 16, value_norm='none'))
    x, audio, valid = fuse_inputs()
    full = dam.fuse(0, x, audio, valid)
    valid[1, 2] = False
    padded = dam.fuse(0, x, audio, valid)
    for found, expected in zip(padded, full, strict=True):
        flat = (found.reshape(6, -1), expected.reshape(6, -1))
        close(flat[0][:5], flat[1][:5])
    # the sound of a padded second reaches nothing
    other = audio.clone()
    other[1, 2] += torch.randn(16)
    torch.testing.assert_close(dam.fuse(0, x, other, valid)[0], padded[0])


@pytest.mark.parametrize('value_norm', ['instance', 'none', 'layer'])
def test_clips_are_independent(value_norm):
    dam = wake(DAM(WIDTHS, 16, value_norm=value_norm)).eval()
    x, audio, valid = fuse_inputs(clips=3, tokens=2)
    y, heard = dam.fuse(0, x, audio, valid)
    for order in ([1], [2, 0, 1]):
        rows = x.unflatten(0, (3, 3))[order].flatten(0, 1)
        found, tokens = dam.fuse(0, rows, audio[order], valid[order])
        close(found, y.unflatten(0, (3, 3))[order].flatten(0, 1))
        close(tokens, heard[order])


@pytest.mark.parametrize('value_norm', ['none', 'layer'])
def test_gradients_reach_everything(value_norm):
    dam = wake(DAM(WIDTHS, 16, value_norm=value_norm))
    total = 0
    for stage, width in enumerate(WIDTHS):
        x, audio, valid = fuse_inputs(width=width, tokens=3)
        x.requires_grad_()
        audio.requires_grad_()
        y, heard = dam.fuse(stage, x, audio, valid)
        total = total + y.square().mean() + heard.square().mean()
    total.backward()
    # the softmax of one scalar is 1 whatever the scalar; V2A's key bias is
    # removed by the instance norm, and so is the value's.
    assert_all_gradients(dam, but=(
        'scale', 'v2a.key.bias', 'v2a.value.bias', 'a2v.query.bias',
        'a2v.query2.bias', 'a2v.key.bias'))
    assert x.grad.abs().sum() > 0 and audio.grad.abs().sum() > 0


def test_size_of_the_paper():
    dam = MODELS.build(dict(type='DAM', in_channels=[64, 128, 320, 512]))
    assert sum(p.numel() for p in dam.parameters()) == 4_805_640


@pytest.mark.parametrize('wrong, message', [
    (dict(stages=(0, 4)), 'stages must be some of 0 to 3'),
    (dict(stages=()), 'set early_fusion to None'),
    (dict(directions=('av',)), 'directions must be one or both of'),
    (dict(directions=()), 'set its slot to None'),
    (dict(value_norm='batch'), "value_norm must be one of .*'batch'"),
])
def test_wrong_arguments(wrong, message):
    with pytest.raises(ValueError, match=message):
        DAM(WIDTHS, 16, **wrong)
