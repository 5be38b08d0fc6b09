# Copyright (c) OpenMMLab. All rights reserved.
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmavs.models.layers import (
    upsampled_conv,
    upsampled_conv_reference,
    upsampled_conv_winograd,
)


def draw(frames, channels, out_channels, height, width, dtype=torch.float64):
    gen = torch.Generator().manual_seed(height * 100 + width)
    x = torch.randn(frames, channels, height, width, generator=gen)
    weight = torch.randn(out_channels, channels, 3, 3, generator=gen)
    return x.to(dtype), weight.to(dtype)


@settings(deadline=None, max_examples=20)
@given(frames=st.integers(1, 2), channels=st.integers(1, 4),
       out_channels=st.integers(1, 4), height=st.integers(1, 6),
       width=st.integers(1, 40))
def test_winograd_is_doubling_and_convolution(frames, channels, out_channels,
                                              height, width):
    """Borders too, and with one or several bands of tiles."""
    x, weight = draw(frames, channels, out_channels, 4 * height, 4 * width)
    torch.testing.assert_close(
        upsampled_conv_winograd(x, weight),
        upsampled_conv_reference(x, weight), rtol=0, atol=1e-11)


def test_winograd_in_single_precision():
    x, weight = draw(1, 256, 32, 16, 24, torch.float32)
    expected = upsampled_conv_reference(x.double(), weight.double())
    error = (upsampled_conv_winograd(x, weight) - expected).abs().max()
    assert error < 1e-5 * expected.abs().max()


@pytest.mark.parametrize('height, channels, training, pixels', [
    (6, 128, False, 10), (8, 16, False, 10), (8, 128, True, 10),
    (8, 128, False, 100)])
def test_otherwise_the_plain_way(height, channels, training, pixels,
                                 monkeypatch):
    monkeypatch.setattr(
        'mmavs.models.layers.upsampling._FEW_PIXELS', pixels)
    x, weight = draw(1, channels, 4, height, 8, torch.float32)
    weight.requires_grad_(training)
    assert torch.equal(upsampled_conv(x, weight),
                       upsampled_conv_reference(x, weight))
    if training:
        upsampled_conv(x, weight).sum().backward()
        assert weight.grad.abs().sum() > 0
