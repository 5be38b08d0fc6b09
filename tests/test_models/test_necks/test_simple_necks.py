# Copyright (c) OpenMMLab. All rights reserved.
import pytest
import torch

from mmavs.models.necks import ChannelProjector, FiLMFusion
from mmavs.registry import MODELS

from ..helpers import assert_all_gradients, close, make_features, wake


def test_channel_projector():
    widths = [8, 16, 24, 40]
    layer = ChannelProjector(widths, 32)
    features = make_features(width=widths, lengths=[3, 2])
    out = layer(features)
    assert layer.out_channels == [32] * 4
    assert [x.shape[1] for x in out.maps] == [32] * 4
    assert [x.shape[2:] for x in out.maps] == [
        x.shape[2:] for x in features.maps]
    for x in out.maps:
        assert not x[5].any() and x[4].any()  # second 2 of clip 1 pads
    sum(x.square().mean() for x in out.maps).backward()
    assert_all_gradients(layer)


@pytest.mark.parametrize('width', [1, 12, 48, 128, 256, 512])
def test_channel_projector_takes_any_width(width):
    layer = ChannelProjector([8] * 4, width)
    assert layer(make_features(width=8)).maps[0].shape[1] == width


def test_audio_projector():
    layer = MODELS.build(dict(type='AudioProjector', in_channels=128))
    out = layer(torch.randn(2, 3, 4, 128))
    assert layer.out_channels == 256 and out.shape == (2, 3, 4, 256)
    assert out.mean(dim=-1).abs().max() < 1e-5
    assert (out.std(dim=-1, correction=0) - 1).abs().max() < 1e-3


def test_film_starts_as_the_identity():
    film = FiLMFusion([8, 16, 24, 32], 16)
    x, audio = torch.randn(6, 16, 4, 4), torch.randn(2, 3, 2, 16)
    valid = torch.ones(2, 3, dtype=torch.bool)
    y, heard = film.fuse(1, x, audio, valid)
    assert torch.equal(x, y) and torch.equal(audio, heard)


def test_film_scales_and_shifts():
    film = wake(FiLMFusion([8, 16, 24, 32], 16, stages=(1,)))
    x, audio = torch.randn(6, 16, 4, 4), torch.randn(2, 3, 2, 16)
    valid = torch.ones(2, 3, dtype=torch.bool)
    y, heard = film.fuse(1, x, audio, valid)
    assert torch.equal(audio, heard)
    scale, shift = film.layers['1'](audio.mean(dim=2)).chunk(2, dim=-1)
    row = 1 * 3 + 2  # clip 1, second 2
    expected = ((1 + scale[1, 2])[:, None, None] * x[row]
                + shift[1, 2][:, None, None])
    close(y[row], expected)
    assert torch.equal(film.fuse(0, x[:, :8], audio, valid)[0], x[:, :8])
    y.square().mean().backward()
    assert_all_gradients(film)


def test_film_refuses_unknown_stages():
    with pytest.raises(ValueError, match='stages must be some of 0 to 3'):
        FiLMFusion([8] * 4, 16, stages=(4,))
