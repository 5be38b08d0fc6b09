# Copyright (c) OpenMMLab. All rights reserved.
"""A light feature pyramid head, a baseline for the others.

Panoptic Feature Pyramid Networks, https://arxiv.org/abs/1901.02446.
"""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from mmavs.models.layers import group_norm
from mmavs.registry import MODELS
from mmavs.structures import AVFeatures

from .base_head import BaseAVSHead


@MODELS.register_module()
class FPNHead(BaseAVSHead):
    """Add the maps top down, smooth, and classify each pixel.

    It reads no audio: whatever it knows of the sound must be in the maps.

    Args:
        in_channels (Sequence[int]): Channels of the maps, finest first.
        audio_channels (int): Unused; part of the slot's interface. Defaults
            to 256.
        channels (int): Channels inside the head. Defaults to 128.
        num_classes (int): As in :class:`BaseAVSHead`. Defaults to 1.
        loss_decode (dict, optional): As in :class:`BaseAVSHead`. Defaults
            to None.
        init_cfg (dict, optional): Initialisation config. Defaults to None.
    """

    def __init__(self, in_channels: Sequence[int], audio_channels: int = 256,
                 *, channels: int = 128, num_classes: int = 1,
                 loss_decode: dict | None = None,
                 init_cfg: dict | None = None) -> None:
        super().__init__(num_classes=num_classes, loss_decode=loss_decode,
                         init_cfg=init_cfg)
        del audio_channels
        self.laterals = nn.ModuleList(
            nn.Conv2d(width, channels, 1) for width in in_channels)
        self.smooth = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            group_norm(channels), nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            group_norm(channels), nn.ReLU())
        self.classify = nn.Conv2d(channels, num_classes, 1)

    def forward(self, features: AVFeatures) -> dict[str, Tensor]:
        """Return ``logits`` (B*T, K, h, w) at the finest map's size."""
        x = None
        for lateral, skip in zip(reversed(self.laterals),
                                 reversed(features.maps), strict=True):
            y = lateral(skip)
            x = y if x is None else y + F.interpolate(
                x, size=y.shape[-2:], mode='bilinear', align_corners=False)
        logits = self.classify(self.smooth(x))
        return dict(logits=logits * features.frame_mask(logits))
