# Copyright (c) OpenMMLab. All rights reserved.
"""One width for all maps, and audio embeddings to tokens."""

from collections.abc import Sequence

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmavs.models.layers import group_norm
from mmavs.registry import MODELS
from mmavs.structures import AVFeatures


@MODELS.register_module()
class ChannelProjector(BaseModule):
    """Bring every map to one width by a 1x1 convolution and GroupNorm.

    Maps of padded seconds become zero here (SelM's AVSS setting).

    Args:
        in_channels (Sequence[int]): Channels of the maps.
        out_channels (int): Their common width. Defaults to 256.
        init_cfg (dict, optional): Initialisation config. Defaults to None.
    """

    def __init__(self, in_channels: Sequence[int], out_channels: int = 256, *,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg=init_cfg)
        self.out_channels = [out_channels] * len(in_channels)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, out_channels, 1),
                          group_norm(out_channels))
            for width in in_channels)

    def forward(self, features: AVFeatures) -> AVFeatures:
        """Replace maps (B*T, C_i, H_i, W_i) by (B*T, out, H_i, W_i)."""
        maps = [layer(x) for layer, x in zip(
            self.layers, features.maps, strict=True)]
        return features.replace(
            maps=[x * features.frame_mask(x) for x in maps])


@MODELS.register_module()
class AudioProjector(BaseModule):
    """Turn audio embeddings into tokens: Linear, then LayerNorm.

    Args:
        in_channels (int): Channels E of the embedding.
        out_channels (int): Channels D of the tokens. Defaults to 256.
        init_cfg (dict, optional): Initialisation config. Defaults to None.
    """

    def __init__(self, in_channels: int, out_channels: int = 256, *,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg=init_cfg)
        self.out_channels = out_channels
        self.linear = nn.Linear(in_channels, out_channels)
        self.norm = nn.LayerNorm(out_channels)

    def forward(self, embedding: Tensor) -> Tensor:
        """Map (B, T, N, E) to (B, T, N, D)."""
        return self.norm(self.linear(embedding))
