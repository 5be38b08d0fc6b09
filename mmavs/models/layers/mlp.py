# Copyright (c) OpenMMLab. All rights reserved.
"""Small building blocks that several parts share."""

import math

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


def group_norm(channels: int, groups: int = 32) -> nn.GroupNorm:
    """GroupNorm with at most ``groups`` groups that divide the channels."""
    return nn.GroupNorm(math.gcd(groups, channels), channels)
