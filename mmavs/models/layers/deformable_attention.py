# Copyright (c) OpenMMLab. All rights reserved.
"""Multi-scale deformable attention in plain PyTorch.

Deformable DETR, https://arxiv.org/abs/2010.04159, section 4.1. Symbols: M
frames, Q queries, C channels, L levels, P points per level, S pixels of all
levels together.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .precision import full_precision


def deformable_sampling(value: Tensor, shapes: Sequence[tuple[int, int]],
                        locations: Tensor, weights: Tensor) -> Tensor:
    """Sum the values at some places of some maps.

    Args:
        value (Tensor): Pixels of all levels, row-major, one level after the
            other, (M, S, heads, D).
        shapes (Sequence[tuple[int, int]]): Height and width of each level.
        locations (Tensor): Places as (x, y), (0, 0) the top left corner of
            a map and (1, 1) its bottom right one,
            (M, Q, heads, L, P, 2).
        weights (Tensor): (M, Q, heads, L, P).

    Returns:
        Tensor: (M, Q, heads * D). A value between pixel centres is
        interpolated; beyond the border is zero.
    """
    num, _, heads, width = value.shape
    queries, points = locations.shape[1], locations.shape[4]
    levels = value.split([height * w for height, w in shapes], dim=1)
    grids = (2 * locations - 1).permute(3, 0, 2, 1, 4, 5).flatten(1, 2)
    sampled = []
    for (height, w), level, grid in zip(shapes, levels, grids, strict=True):
        maps = level.permute(0, 2, 3, 1).reshape(
            num * heads, width, height, w)
        sampled.append(F.grid_sample(  # (M * heads, D, Q, P)
            maps, grid, mode='bilinear', padding_mode='zeros',
            align_corners=False))
    sampled = torch.cat(sampled, dim=-1)  # (M * heads, D, Q, L * P)
    weights = weights.transpose(1, 2).reshape(
        num * heads, 1, queries, len(shapes) * points)
    out = (sampled * weights).sum(dim=-1)  # (M * heads, D, Q)
    return out.view(num, heads * width, queries).transpose(1, 2)


class MultiScaleDeformableAttention(nn.Module):
    """Each query looks at a few places of every level, near its own.

    The names of the parameters are those of MMCV's operator of this name.

    Args:
        channels (int): C. Defaults to 256.
        num_heads (int): Heads. Defaults to 8.
        num_levels (int): L. Defaults to 3.
        num_points (int): P. Defaults to 4.

    Raises:
        ValueError: If the heads do not divide the channels.
    """

    def __init__(self, channels: int = 256, *, num_heads: int = 8,
                 num_levels: int = 3, num_points: int = 4) -> None:
        super().__init__()
        if channels % num_heads:
            raise ValueError(f'{num_heads} heads do not divide {channels} '
                             'channels; change channels or num_heads')
        self.num_heads = num_heads
        self.places = (num_heads, num_levels, num_points)
        places = num_heads * num_levels * num_points
        self.sampling_offsets = nn.Linear(channels, 2 * places)
        self.attention_weights = nn.Linear(channels, places)
        self.value_proj = nn.Linear(channels, channels)
        self.output_proj = nn.Linear(channels, channels)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start with each head looking one way, point p at distance p."""
        heads, levels, points = self.places
        angle = torch.arange(heads) * (2 * math.pi / heads)
        ways = torch.stack([angle.cos(), angle.sin()], dim=-1)
        ways = ways / ways.abs().max(dim=-1, keepdim=True).values
        steps = torch.arange(1, points + 1)[:, None]
        offsets = (ways[:, None, None] * steps).expand(
            heads, levels, points, 2)
        nn.init.zeros_(self.sampling_offsets.weight)
        with torch.no_grad():
            self.sampling_offsets.bias.copy_(offsets.reshape(-1))
        nn.init.zeros_(self.attention_weights.weight)
        nn.init.zeros_(self.attention_weights.bias)
        for layer in (self.value_proj, self.output_proj):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, query: Tensor, value: Tensor, reference: Tensor,
                shapes: Sequence[tuple[int, int]]) -> Tensor:
        """Attend.

        Args:
            query (Tensor): (M, Q, C), with positions.
            value (Tensor): (M, S, C), without.
            reference (Tensor): Each query's own place (x, y) in [0, 1],
                (Q, 2).
            shapes (Sequence[tuple[int, int]]): Height and width of each
                level; S is the sum of their products.

        Returns:
            Tensor: (M, Q, C).
        """
        value = self.value_proj(value).unflatten(2, (self.num_heads, -1))
        offsets = self.sampling_offsets(query).unflatten(
            2, (*self.places, 2))  # (M, Q, heads, L, P, 2), in pixels
        scores = self.attention_weights(query).unflatten(
            2, (self.num_heads, -1))  # (M, Q, heads, L * P)
        with full_precision(query.device.type):
            weights = scores.float().softmax(dim=-1).unflatten(
                3, self.places[1:])
            sizes = offsets.new_tensor(
                [(width, height) for height, width in shapes]).float()
            locations = (reference.float()[:, None, None, None]
                         + offsets.float() / sizes[:, None])
            out = deformable_sampling(
                value.float(), shapes, locations, weights)
        return self.output_proj(out.to(value.dtype))


def cell_centres(shapes: Sequence[tuple[int, int]], *,
                 device: torch.device | None = None) -> Tensor:
    """Centre (x, y) of each pixel of each level, in [0, 1].

    Args:
        shapes (Sequence[tuple[int, int]]): Height and width of each level.
        device (torch.device, optional): Defaults to None.

    Returns:
        Tensor: (S, 2), row-major, one level after the other.
    """
    centres = []
    for height, width in shapes:
        y = (torch.arange(height, device=device) + 0.5) / height
        x = (torch.arange(width, device=device) + 0.5) / width
        y, x = torch.meshgrid(y, x, indexing='ij')
        centres.append(torch.stack([x, y], dim=-1).flatten(0, 1))
    return torch.cat(centres)


def sine_positions(size: tuple[int, int], channels: int, *,
                   temperature: float = 1e4,
                   device: torch.device | None = None) -> Tensor:
    """Encode rows and columns by sines and cosines, as DETR does.

    Args:
        size (tuple[int, int]): Height and width; coordinates count from 1.
        channels (int): C, a multiple of 4; the first half says the row.
        temperature (float): Longest wavelength over 2 pi. Defaults to 1e4.
        device (torch.device, optional): Defaults to None.

    Returns:
        Tensor: (H*W, C), row-major.

    Raises:
        ValueError: If 4 does not divide the channels.
    """
    if channels % 4:
        raise ValueError(f'sine positions need a multiple of 4 channels, got '
                         f'{channels}')
    exponent = torch.arange(channels // 4, device=device) * 4 / channels
    rate = temperature**-exponent.float()

    def encode(length: int) -> Tensor:
        phase = torch.arange(1, length + 1, device=device)[:, None] * rate
        return torch.stack([phase.sin(), phase.cos()], dim=2).flatten(1)

    height, width = size
    rows = encode(height)[:, None].expand(-1, width, -1)  # (H, W, C / 2)
    columns = encode(width)[None].expand(height, -1, -1)
    return torch.cat([rows, columns], dim=-1).flatten(0, 1)
