# Copyright (c) OpenMMLab. All rights reserved.
import pytest
import torch

from mmavs.models.necks import AddFusion, ConcatFusion

from ..helpers import assert_all_gradients, close, wake

WIDTHS = [8, 16, 24, 40]
each_fusion = pytest.mark.parametrize('cls', [AddFusion, ConcatFusion])


def draw(stage=1, clips=2, seconds=3, tokens=2):
    gen = torch.Generator().manual_seed(0)
    x = torch.randn(clips * seconds, WIDTHS[stage], 4, 6, generator=gen)
    audio = torch.randn(clips, seconds, tokens, 12, generator=gen)
    return x, audio, torch.ones(clips, seconds, dtype=torch.bool)


@each_fusion
def test_shapes_stages_and_gradients(cls):
    layer = wake(cls(WIDTHS, 12, stages=(0, 1, 3)))
    total = 0
    for stage in range(4):
        x, audio, valid = draw(stage)
        new_x, new_audio = layer.fuse(stage, x, audio, valid)
        assert new_x.shape == x.shape and new_audio.shape == audio.shape
        if stage == 2:
            assert new_x is x and new_audio is audio
        total = total + new_x.square().mean() + new_audio.square().mean()
    total.backward()
    assert_all_gradients(layer)


def test_addition():
    layer = wake(AddFusion(WIDTHS, 12))
    x, audio, valid = draw()
    new_x, new_audio = layer.fuse(1, x, audio, valid)
    token = audio.mean(2).flatten(0, 1)
    conv = layer.to_map['1']
    sound = token @ conv.weight[:, :, 0, 0].t() + conv.bias
    close(new_x, x + sound[:, :, None, None])
    pooled = layer.to_audio['1'](x.mean((2, 3))).view(2, 3, 1, 12)
    close(new_audio, audio + pooled)


def test_concatenation():
    layer = wake(ConcatFusion(WIDTHS, 12))
    x, audio, valid = draw()
    new_x, new_audio = layer.fuse(1, x, audio, valid)
    sound = audio.mean(2).flatten(0, 1)[:, :, None, None].expand(-1, -1, 4, 6)
    close(new_x, layer.to_map['1'](torch.cat([x, sound], dim=1)))
    pooled = x.mean((2, 3)).view(2, 3, 1, 16).expand(-1, -1, 2, -1)
    close(new_audio, layer.to_audio['1'](torch.cat([audio, pooled], dim=3)))


@each_fusion
def test_frames_are_independent_and_padding_stays_zero(cls):
    layer = wake(cls(WIDTHS, 12))
    x, audio, valid = draw()
    valid[1, 2] = False
    new_x, new_audio = layer.fuse(1, x, audio, valid)
    assert not new_audio[1, 2].any() and new_audio[1, 1].any()
    alone = layer.fuse(1, x[4:5], audio[1:, 1:2], valid[1:, 1:2])
    close(alone[0], new_x[4:5])
    close(alone[1], new_audio[1:, 1:2])


@each_fusion
def test_stages_must_exist(cls):
    with pytest.raises(ValueError, match='stages must be some of 0 to 3'):
        cls(WIDTHS, 12, stages=(4, ))
