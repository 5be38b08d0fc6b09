# Copyright (c) OpenMMLab. All rights reserved.
"""CLEVER with one modality: the ablation of its two attentions.

SelM: Selective Mechanism based Audio-Visual Segmentation (ACM MM 2024),
ablation of CLEVER. Each layer keeps two attentions; both hear, or both see.
Symbols as in :mod:`mmavs.models.decode_heads.clever_layers`.
"""

import torch
from torch import Tensor, nn

from mmavs.models.layers import MLP

from .clever_layers import (
    AudioCrossAttention,
    Fuse,
    GroupingAttention,
    resize_positions,
)


class Listen(nn.Module):
    """The target token listens, then all tokens pass an MLP.

    Args:
        channels (int): Channels of the tokens.
        audio_channels (int): Channels of the audio tokens.
        dropout (float): Of the attention.
    """

    def __init__(self, channels: int, audio_channels: int, *,
                 dropout: float) -> None:
        super().__init__()
        self.audio_attn = AudioCrossAttention(
            channels, audio_channels, dropout=dropout)
        self.norm = nn.LayerNorm(channels)
        self.mlp = MLP(channels, 2 * channels)

    def forward(self, tokens: Tensor, audio: Tensor) -> Tensor:
        """Update tokens (M, 2, C) by audio tokens (M, N, D)."""
        target = self.audio_attn(tokens[:, -1:], audio)
        tokens = torch.cat([tokens[:, :-1], target], dim=1)
        return self.mlp(self.norm(tokens))


class AudioCLEVERLayer(nn.Module):
    """One round without visual attention: the target token listens twice.

    The pixels reach the mask through the fused maps alone; there are no heat
    maps. The arguments are those of
    :class:`~mmavs.models.decode_heads.clever_layers.CLEVERLayer`.
    """

    def __init__(self, in_channels: int, skip_channels: int,
                 audio_channels: int, channels: int, *, pe_size: int,
                 audio_dropout: float, group_dropout: float, gumbel: bool,
                 gumbel_at_test: bool) -> None:
        super().__init__()
        del pe_size, group_dropout, gumbel, gumbel_at_test
        self.fuse = Fuse(in_channels, skip_channels, channels)
        self.attns = nn.ModuleList(
            Listen(channels, audio_channels, dropout=audio_dropout)
            for _ in range(2))

    def forward(self, tokens: Tensor, v: Tensor, skip: Tensor, audio: Tensor
                ) -> tuple[Tensor, Tensor, None]:
        """Return tokens (M, 2, C), the fused map (M, C, H, W) and None."""
        v = self.fuse(v, skip)
        for attn in self.attns:
            tokens = attn(tokens, audio)
        return tokens, v, None


class VisualCLEVERLayer(nn.Module):
    """One round without audio attention: the pixels are grouped twice.

    Sound reaches the mask only through what DAM and BCSM did to the maps.
    The heat map is that of the second grouping. The arguments are those of
    :class:`~mmavs.models.decode_heads.clever_layers.CLEVERLayer`.
    """

    def __init__(self, in_channels: int, skip_channels: int,
                 audio_channels: int, channels: int, *, pe_size: int,
                 audio_dropout: float, group_dropout: float, gumbel: bool,
                 gumbel_at_test: bool) -> None:
        super().__init__()
        del audio_channels, audio_dropout
        self.fuse = Fuse(in_channels, skip_channels, channels)
        self.pos_embed = nn.Parameter(torch.zeros(pe_size**2, channels))
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        self.attns = nn.ModuleList(
            GroupingAttention(channels, dropout=group_dropout, gumbel=gumbel,
                              gumbel_at_test=gumbel_at_test)
            for _ in range(2))

    def forward(self, tokens: Tensor, v: Tensor, skip: Tensor, audio: Tensor
                ) -> tuple[Tensor, Tensor, Tensor]:
        """Return tokens (M, 2, C), map (M, C, H, W), heat (M, 2, H, W)."""
        del audio
        v = self.fuse(v, skip)
        vis = v.flatten(2).transpose(1, 2)  # (M, L, C)
        vis = vis + resize_positions(self.pos_embed, v.shape[-2:])
        for attn in self.attns:
            tokens, heat = attn(tokens, vis)
        return tokens, v, heat.unflatten(2, v.shape[-2:])
