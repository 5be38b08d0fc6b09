# Copyright (c) OpenMMLab. All rights reserved.
"""The parts of AVSegFormer's decoder, in the order in which they run.

AVSegFormer: Audio-Visual Segmentation with Transformer (AAAI 2024),
https://arxiv.org/abs/2307.01146. Every frame stands alone. Symbols: M = B*T
frames, C channels, Q queries, S pixels of the levels together, N audio
tokens of a frame. Names of parameters are those of the released checkpoints.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmavs.models.layers import MultiScaleDeformableAttention


class EncoderLayer(nn.Module):
    """Deformable self-attention over all levels, and an MLP; post-norm.

    Args:
        channels (int): C.
        num_heads (int): Heads of the attention.
        num_levels (int): Number of maps.
        num_points (int): Places looked at per head and level.
        ffn_channels (int): Hidden channels of the MLP.
        dropout (float): On each branch and inside the MLP.
    """

    def __init__(self, channels: int, *, num_heads: int, num_levels: int,
                 num_points: int, ffn_channels: int, dropout: float) -> None:
        super().__init__()
        self.self_attn = MultiScaleDeformableAttention(
            channels, num_heads=num_heads, num_levels=num_levels,
            num_points=num_points)
        self.norm1 = nn.LayerNorm(channels)
        self.linear1 = nn.Linear(channels, ffn_channels)
        self.linear2 = nn.Linear(ffn_channels, channels)
        self.norm2 = nn.LayerNorm(channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, pos: Tensor, reference: Tensor,
                shapes: Sequence[tuple[int, int]]) -> Tensor:
        """Map (M, S, C) to (M, S, C); ``pos`` and ``reference`` (S, ...)."""
        y = self.self_attn(x + pos, x, reference, shapes)
        x = self.norm1(x + self.dropout(y))
        y = self.linear2(self.dropout(F.gelu(self.linear1(x))))
        return self.norm2(x + self.dropout(y))


class DecoderLayer(nn.Module):
    """Queries meet each other, then the pixels; post-norm, no positions.

    Args:
        channels (int): C.
        num_heads (int): Heads of both attentions.
        ffn_channels (int): Hidden channels of the MLP.
        dropout (float): On each branch, on the attention and in the MLP.
    """

    def __init__(self, channels: int, *, num_heads: int, ffn_channels: int,
                 dropout: float) -> None:
        super().__init__()
        self.self_attn, self.cross_attn = (
            nn.MultiheadAttention(channels, num_heads, dropout=dropout,
                                  batch_first=True) for _ in range(2))
        self.norm1 = nn.LayerNorm(channels)
        self.norm2 = nn.LayerNorm(channels)
        self.linear1 = nn.Linear(channels, ffn_channels)
        self.linear2 = nn.Linear(ffn_channels, channels)
        self.norm3 = nn.LayerNorm(channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query: Tensor, memory: Tensor) -> Tensor:
        """Update queries (M, Q, C) by pixels (M, S, C)."""
        y = attend(self.self_attn, query, query)
        query = self.norm1(query + self.dropout(y))
        y = attend(self.cross_attn, query, memory)
        query = self.norm2(query + self.dropout(y))
        y = self.linear2(self.dropout(F.gelu(self.linear1(query))))
        return self.norm3(query + self.dropout(y))


class GeneratorLayer(nn.Module):
    """Queries meet each other, then the sound; post-norm, no dropout.

    With one audio token the second attention adds the same vector to all
    queries of a frame.

    Args:
        channels (int): C.
        num_heads (int): Heads of both attentions.
        ffn_channels (int): Hidden channels of the MLP.
    """

    def __init__(self, channels: int, *, num_heads: int, ffn_channels: int
                 ) -> None:
        super().__init__()
        self.self_attn, self.cross_attn = (
            nn.MultiheadAttention(channels, num_heads, bias=False,
                                  batch_first=True) for _ in range(2))
        self.ffn = nn.Sequential(
            nn.Linear(channels, ffn_channels), nn.GELU(),
            nn.Linear(ffn_channels, channels))
        self.norm1 = nn.LayerNorm(channels)
        self.norm2 = nn.LayerNorm(channels)
        self.norm3 = nn.LayerNorm(channels)

    def forward(self, query: Tensor, audio: Tensor) -> Tensor:
        """Update queries (M, Q, C) by audio tokens (M, N, C)."""
        query = self.norm1(query + attend(self.self_attn, query, query))
        query = self.norm2(query + attend(self.cross_attn, query, audio))
        return self.norm3(query + self.ffn(query))


def attend(attn: nn.MultiheadAttention, query: Tensor, memory: Tensor
           ) -> Tensor:
    return attn(query, memory, memory, need_weights=False)[0]


class QueryGenerator(nn.Module):
    """Make the queries of a frame from its sound.

    Args:
        channels (int): C.
        num_queries (int): Q.
        depth (int): Layers.
        num_heads (int): Heads of the attentions.
        ffn_channels (int): Hidden channels of the MLPs.
    """

    def __init__(self, channels: int, *, num_queries: int, depth: int,
                 num_heads: int, ffn_channels: int) -> None:
        super().__init__()
        self.query = nn.Embedding(num_queries, channels)
        self.layers = nn.ModuleList(
            GeneratorLayer(channels, num_heads=num_heads,
                           ffn_channels=ffn_channels) for _ in range(depth))

    def forward(self, audio: Tensor) -> Tensor:
        """Map audio tokens (M, N, C) to queries (M, Q, C)."""
        query = self.query.weight.expand(len(audio), -1, -1)
        for layer in self.layers:
            query = layer(query, audio)
        return query


class CrossModalMixer(nn.Module):
    """The sound weighs the channels of the mask feature.

    Args:
        channels (int): C.
        num_heads (int): Heads.
    """

    def __init__(self, channels: int, *, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.q_proj = nn.Linear(channels, channels, bias=False)
        self.kv_proj = nn.Linear(channels, 2 * channels, bias=False)
        self.proj = nn.Linear(channels, channels)

    def forward(self, x: Tensor, audio: Tensor) -> Tensor:
        """Weigh (M, C, H, W) by audio tokens (M, N, C), their mean."""
        heads = (self.num_heads, -1)
        pixels = x.flatten(2).transpose(1, 2)  # (M, L, C)
        k, v = self.kv_proj(pixels).chunk(2, dim=-1)
        q = self.q_proj(audio.mean(dim=1, keepdim=True))  # (M, 1, C)
        q, k, v = (y.unflatten(2, heads).transpose(1, 2) for y in (q, k, v))
        pooled = F.scaled_dot_product_attention(q, k, v)  # (M, heads, 1, D)
        gate = self.proj(pooled.flatten(1)).sigmoid()  # (M, C)
        return x * gate[:, :, None, None]


class Transformer(nn.Module):
    """Encoder over the pixels of several levels, decoder over the queries.

    Args:
        encoder (Sequence[EncoderLayer]): At least one layer.
        decoder (Sequence[DecoderLayer]): At least one layer.
    """

    def __init__(self, encoder: Sequence[EncoderLayer],
                 decoder: Sequence[DecoderLayer]) -> None:
        super().__init__()
        self.encoder = nn.Module()
        self.encoder.layers = nn.ModuleList(encoder)
        self.decoder = nn.Module()
        self.decoder.layers = nn.ModuleList(decoder)

    def encode(self, x: Tensor, pos: Tensor, reference: Tensor,
               shapes: Sequence[tuple[int, int]]) -> Tensor:
        """Map pixels (M, S, C) to the memory (M, S, C)."""
        for layer in self.encoder.layers:
            x = layer(x, pos, reference, shapes)
        return x

    def decode(self, query: Tensor, memory: Tensor) -> list[Tensor]:
        """Return the queries (M, Q, C) after each layer."""
        outputs = []
        for layer in self.decoder.layers:
            query = layer(query, memory)
            outputs.append(query)
        return outputs


class PixelMLP(nn.Module):
    """1x1 convolutions from Q scores to C channels, ReLU between.

    Args:
        widths (Sequence[int]): Channels from input to output.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv2d(a, b, 1) for a, b in zip(widths[:-1], widths[1:]))

    def forward(self, x: Tensor) -> Tensor:
        """Map (M, widths[0], H, W) to (M, widths[-1], H, W)."""
        *inner, last = self.layers
        for layer in inner:
            x = F.relu(layer(x))
        return last(x)


class Upsample(nn.Module):
    """Bilinear upsampling by a factor, corners not aligned.

    Args:
        factor (int): At least 1.
    """

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """Map (M, C, H, W) to (M, C, factor * H, factor * W)."""
        return x if self.factor == 1 else F.interpolate(
            x, scale_factor=self.factor, mode='bilinear',
            align_corners=False)


def match_channels(in_channels: int, channels: int) -> nn.Module:
    """A linear layer where the audio tokens have another width."""
    return (nn.Identity() if in_channels == channels else
            nn.Linear(in_channels, channels))


def flatten_maps(maps: Sequence[Tensor]
                 ) -> tuple[Tensor, list[tuple[int, int]]]:
    """Join maps (M, C, H_i, W_i) to pixels (M, S, C); return their sizes."""
    shapes = [tuple(x.shape[-2:]) for x in maps]
    pixels = torch.cat([x.flatten(2) for x in maps], dim=2)
    return pixels.transpose(1, 2), shapes
