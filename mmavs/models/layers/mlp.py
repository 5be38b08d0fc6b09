# Copyright (c) OpenMMLab. All rights reserved.
"""Small building blocks that several parts share."""

import math

import torch
from torch import Tensor, nn


class MLP(nn.Module):
    """Linear, GELU (erf), Linear.

    Args:
        channels (int): Input and output channels.
        hidden_channels (int): Channels in between.
    """

    def __init__(self, channels: int, hidden_channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, hidden_channels)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(hidden_channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., C) to (..., C)."""
        return self.fc2(self.act(self.fc1(x)))


# Where PyTorch's kernels for the CPU are slow on maps with their channels last
# (up to 20 times): with fewer channels in a group than this, forward and
# backward below so many pixels of a map, and backward alone up to more.
_CHANNELS, _PIXELS, _PIXELS_BACKWARD = 8, 32 * 32, 64 * 64


class GroupNorm(nn.GroupNorm):
    """PyTorch's, on the CPU in the layout in which it is fast.

    The output has the layout of the input.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (N, C, ...)."""
        if not self._slow(x):
            return super().forward(x)
        return super().forward(x.contiguous()).contiguous(
            memory_format=torch.channels_last)

    def _slow(self, x: Tensor) -> bool:
        if (x.device.type != 'cpu' or x.dim() != 4 or x.is_contiguous()
                or self.num_channels >= _CHANNELS * self.num_groups):
            return False
        pixels = x.shape[2] * x.shape[3]
        return pixels < (_PIXELS_BACKWARD if self.training else _PIXELS)


def group_norm(channels: int, groups: int = 32) -> GroupNorm:
    """GroupNorm with at most ``groups`` groups that divide the channels."""
    return GroupNorm(math.gcd(groups, channels), channels)
