# Copyright (c) OpenMMLab. All rights reserved.
"""The parts of CLEVER, in the order of the paper.

SelM: Selective Mechanism based Audio-Visual Segmentation (ACM MM 2024),
section 4.4. Symbols: M = B*T frames, C channels, L = H*W pixels, N audio
tokens of a frame, 2 tokens (background, target).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mmavs.models.layers import (
    MLP,
    full_precision,
    group_norm,
    upsampled_conv,
)


class Fuse(nn.Module):
    """Join a map with the skip map of the stage below.

    Args:
        in_channels (int): Channels of the map.
        skip_channels (int): Channels of the skip map.
        channels (int): Channels of the result.
    """

    def __init__(self, in_channels: int, skip_channels: int, channels: int
                 ) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels + skip_channels, channels, 3, padding=1),
            group_norm(channels), nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1),
            group_norm(channels), nn.ReLU(inplace=True))

    def forward(self, v: Tensor, skip: Tensor) -> Tensor:
        """Return (M, channels, H, W) at the size of the larger map."""
        size = max(v.shape[-2:], skip.shape[-2:])
        v, skip = (
            x if x.shape[-2:] == size else F.interpolate(
                x, size=size, mode='bilinear', align_corners=True)
            for x in (v, skip))
        return self.layers(torch.cat([v, skip], dim=1))


class AudioCrossAttention(nn.Module):
    """The target token listens: one head, residual.

    Args:
        channels (int): Channels of the tokens.
        audio_channels (int): Channels of the audio tokens.
        dropout (float): On the attention and on the output.
    """

    def __init__(self, channels: int, audio_channels: int, *,
                 dropout: float) -> None:
        super().__init__()
        self.norm_q = nn.LayerNorm(channels)
        self.norm_k = nn.LayerNorm(audio_channels)
        self.q_proj = nn.Linear(channels, channels, bias=False)
        self.k_proj = nn.Linear(audio_channels, channels, bias=False)
        self.v_proj = nn.Linear(audio_channels, channels, bias=False)
        self.proj = nn.Linear(channels, channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, target: Tensor, audio: Tensor) -> Tensor:
        """Update the target token (M, 1, C) by audio tokens (M, N, D)."""
        audio = self.norm_k(audio)
        q = self.q_proj(self.norm_q(target))  # (M, 1, C)
        k, v = self.k_proj(audio), self.v_proj(audio)  # (M, N, C)
        scores = q @ k.transpose(1, 2) * q.shape[-1]**-0.5  # (M, 1, N)
        weights = self.dropout(scores.softmax(dim=-1))
        return target + self.dropout(self.proj(weights @ v))


class GroupingAttention(nn.Module):
    """Every pixel chooses one token, and each token gathers its pixels.

    Args:
        channels (int): C.
        dropout (float): On the gathered tokens.
        gumbel (bool): Whether Gumbel noise disturbs the choice in training.
        gumbel_at_test (bool): Whether it does in eval mode too.
    """

    def __init__(self, channels: int, *, dropout: float, gumbel: bool,
                 gumbel_at_test: bool) -> None:
        super().__init__()
        self.gumbel = gumbel
        self.gumbel_at_test = gumbel_at_test
        self.norm_vis = nn.LayerNorm(channels)
        self.norm_tokens = nn.LayerNorm(channels)
        self.q_proj = nn.Linear(channels, channels)
        self.k_proj = nn.Linear(channels, channels)
        self.v_proj = nn.Linear(channels, channels)
        self.proj = nn.Linear(channels, channels)
        self.dropout = nn.Dropout(dropout)
        self.norm_out = nn.LayerNorm(channels)
        self.mlp = MLP(channels, 2 * channels)
        self.tau = nn.Parameter(torch.ones(1))

    def forward(self, tokens: Tensor, vis: Tensor) -> tuple[Tensor, Tensor]:
        """Group the pixels.

        Args:
            tokens (Tensor): (M, 2, C).
            vis (Tensor): Pixels with their position added, (M, L, C).

        Returns:
            tuple[Tensor, Tensor]: Tokens (M, 2, C), and the one-hot choice
            of each pixel (M, 2, L) with straight-through gradient.
        """
        vis = self.norm_vis(vis)
        q = self.q_proj(self.norm_tokens(tokens))  # (M, 2, C)
        k, v = self.k_proj(vis), self.v_proj(vis)  # (M, L, C)
        heat = self.choose(q, k)  # (M, 2, L)
        share = heat / (heat.sum(dim=-1, keepdim=True) + 1)
        out = share.to(v.dtype) @ v  # (M, 2, C)
        tokens = self.dropout(self.proj(out)) + tokens
        return self.mlp(self.norm_out(tokens)), heat

    def choose(self, q: Tensor, k: Tensor) -> Tensor:
        """Assign each pixel to one token, hard, in float32."""
        with full_precision(q.device.type):
            q, k = F.normalize(q.float(), dim=-1), F.normalize(
                k.float(), dim=-1)
            scores = q @ k.transpose(1, 2)  # cosine, (M, 2, L)
            if self.gumbel_at_test or (self.gumbel and self.training):
                scores = scores + gumbel_like(scores)
            temperature = self.tau.float().clamp(max=0).exp()
            soft = (scores / temperature).softmax(dim=1)
            index = soft.argmax(dim=1, keepdim=True)
            hard = torch.zeros_like(soft).scatter_(1, index, 1.0)
            return hard - soft.detach() + soft


def gumbel_like(x: Tensor) -> Tensor:
    """Draw standard Gumbel noise of the same shape."""
    return -torch.empty_like(x).exponential_().log()


class CLEVERLayer(nn.Module):
    """One round: fuse a finer map, listen, group its pixels.

    Args:
        in_channels (int): Channels of the incoming map.
        skip_channels (int): Channels of the finer map.
        audio_channels (int): Channels of the audio tokens.
        channels (int): C.
        pe_size (int): Side of the learned table of positions.
        audio_dropout (float): Dropout of the audio attention.
        group_dropout (float): Dropout of the grouping.
        gumbel (bool): See :class:`GroupingAttention`.
        gumbel_at_test (bool): See :class:`GroupingAttention`.
    """

    def __init__(self, in_channels: int, skip_channels: int,
                 audio_channels: int, channels: int, *, pe_size: int,
                 audio_dropout: float, group_dropout: float, gumbel: bool,
                 gumbel_at_test: bool) -> None:
        super().__init__()
        self.fuse = Fuse(in_channels, skip_channels, channels)
        self.audio_attn = AudioCrossAttention(
            channels, audio_channels, dropout=audio_dropout)
        self.norm = nn.LayerNorm(channels)
        self.mlp = MLP(channels, 2 * channels)
        self.pos_embed = nn.Parameter(torch.zeros(pe_size**2, channels))
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        self.grouping = GroupingAttention(
            channels, dropout=group_dropout, gumbel=gumbel,
            gumbel_at_test=gumbel_at_test)

    def forward(self, tokens: Tensor, v: Tensor, skip: Tensor, audio: Tensor
                ) -> tuple[Tensor, Tensor, Tensor]:
        """Run one round.

        Args:
            tokens (Tensor): (M, 2, C), the target last.
            v (Tensor): (M, C_in, h, w).
            skip (Tensor): (M, C_skip, H, W).
            audio (Tensor): (M, N, D).

        Returns:
            tuple[Tensor, Tensor, Tensor]: Tokens (M, 2, C), the fused map
            (M, C, H, W) and the heat maps (M, 2, H, W).
        """
        v = self.fuse(v, skip)
        background, target = tokens[:, :-1], tokens[:, -1:]
        target = self.audio_attn(target, audio)
        tokens = torch.cat([background, target], dim=1)
        tokens = self.mlp(self.norm(tokens))  # no residual, as released
        vis = v.flatten(2).transpose(1, 2)  # (M, L, C)
        vis = vis + resize_positions(self.pos_embed, v.shape[-2:])
        tokens, heat = self.grouping(tokens, vis)
        return tokens, v, heat.unflatten(2, v.shape[-2:])


def resize_positions(table: Tensor, size: tuple[int, int]) -> Tensor:
    """Fit a square table of positions to a map.

    Args:
        table (Tensor): (side^2, C), row-major.
        size (tuple[int, int]): Height and width of the map.

    Returns:
        Tensor: (H*W, C); bicubic where the size differs.
    """
    side = round(table.shape[0]**0.5)
    if tuple(size) == (side, side):
        return table
    grid = table.t().reshape(1, -1, side, side).float()
    grid = F.interpolate(
        grid, size=tuple(size), mode='bicubic', align_corners=False)
    return grid.flatten(2)[0].t().to(table.dtype)


class MaskHead(nn.Module):
    """Upsample the map; a token becomes the kernel that classifies it.

    Args:
        channels (int): C.
        num_classes (int): 1: the token gives C weights and a bias; K > 1:
            K kernels of C weights each, without bias.
        upsample_steps (int): Number of doublings.
        with_cp (bool): Keep nothing but the inputs for the backward pass,
            which runs the frames again, one at a time: the largest maps of
            the model exist for one frame only. Defaults to False.
    """

    def __init__(self, channels: int, num_classes: int, *,
                 upsample_steps: int, with_cp: bool = False) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.with_cp = with_cp
        self.upsample = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(channels, channels, 3, padding=1, bias=False),
                group_norm(channels), nn.ReLU(inplace=True))
            for _ in range(upsample_steps))
        self.out = nn.Conv2d(channels, channels, 1)
        width = channels + 1 if num_classes == 1 else num_classes * channels
        self.kernel = nn.Linear(channels, width)

    def forward(self, v: Tensor, target: Tensor) -> Tensor:
        """Map (M, C, H, W) and the token (M, C) to logits (M, K, h, w)."""
        weight, bias = self.make_kernel(target)
        if not (self.with_cp and self.training and torch.is_grad_enabled()):
            return self.paint(v, weight, bias)
        frames = zip(v.split(1), weight.split(1), bias.split(1), strict=True)
        return torch.cat([
            checkpoint(self.paint, *frame, use_reentrant=False,
                       preserve_rng_state=False)  # nothing in it is random
            for frame in frames])

    def make_kernel(self, target: Tensor) -> tuple[Tensor, Tensor]:
        """The token (M, C) to kernels (M, K, C) and biases (M, K).

        Painting ``kernel @ out(v)`` would make ``out(v)``, the largest map
        there is; the 1x1 convolution goes into the kernel instead.
        """
        kernel = self.kernel(target)
        bias = 0
        if self.num_classes == 1:
            kernel, bias = kernel[:, :-1], kernel[:, -1:]
        kernel = kernel.unflatten(1, (self.num_classes, -1))  # (M, K, C)
        weight = kernel @ self.out.weight.flatten(1)
        return weight, kernel @ self.out.bias + bias

    def paint(self, v: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Upsample (M, C, H, W) and apply the kernels: (M, K, h, w)."""
        for conv, norm, act in self.upsample:
            v = act(norm(upsampled_conv(v, conv.weight)))
        logits = torch.einsum('mkc,mchw->mkhw', weight, v)
        return logits + bias[:, :, None, None]
