# Copyright (c) OpenMMLab. All rights reserved.
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mmavs.models.layers import group_norm


@settings(deadline=None, max_examples=25)
@given(channels=st.sampled_from([4, 32, 64, 96]), size=st.integers(2, 40),
       last=st.booleans(), grad=st.booleans())
def test_group_norm_is_that_of_pytorch(channels, size, last, grad):
    """In value, gradient and layout, whichever way it is computed."""
    ours = group_norm(channels)
    nn.init.normal_(ours.weight)
    nn.init.normal_(ours.bias)
    plain = nn.GroupNorm(ours.num_groups, channels)
    plain.load_state_dict(ours.state_dict())
    x = torch.randn(2, channels, size, size + 1)
    if last:
        x = x.to(memory_format=torch.channels_last)
    results = []
    for norm in (ours, plain):
        leaf = x.clone().requires_grad_(grad)
        y = norm.train(grad)(leaf)
        if grad:
            y.square().sum().backward()
        results.append([y.detach(), leaf.grad, norm.weight.grad,
                        norm.bias.grad])
    found, expected = results
    assert found[0].stride() == expected[0].stride()
    for a, b in zip(found, expected, strict=True):
        if a is not None:
            scale = max(1.0, b.abs().max().item())
            torch.testing.assert_close(
                a / scale, b / scale, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize('channels, groups', [(64, 32), (96, 32), (48, 16),
                                              (7, 1)])
def test_group_norm_has_groups_that_divide_the_channels(channels, groups):
    norm = group_norm(channels)
    assert norm.num_groups == groups
    assert norm(torch.randn(2, channels, 3, 3)).shape == (2, channels, 3, 3)
