# Copyright (c) OpenMMLab. All rights reserved.
"""The early fusions that SelM compares DAM with: addition, concatenation.

SelM: Selective Mechanism based Audio-Visual Segmentation (ACM MM 2024),
ablation of the early fusion. As in DAM, both directions read the same inputs
and what comes out feeds the next stage.
"""

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmavs.registry import MODELS

from .dam import check_stages


class _PooledFusion(BaseModule, metaclass=ABCMeta):
    """Give each stage's map the sound of its second, and the reverse."""

    def __init__(self, in_channels: Sequence[int], audio_channels: int = 256,
                 *, stages: Sequence[int] = (0, 1, 2, 3),
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg=init_cfg)
        check_stages(stages, len(in_channels))
        names = [(str(stage), in_channels[stage])
                 for stage in sorted(set(stages))]
        self.to_map = nn.ModuleDict({
            name: self.build_to_map(width, audio_channels)
            for name, width in names})
        self.to_audio = nn.ModuleDict({
            name: self.build_to_audio(width, audio_channels)
            for name, width in names})

    @staticmethod
    @abstractmethod
    def build_to_map(channels: int, audio_channels: int) -> nn.Module:
        """Build the layer that changes a stage's map."""

    @staticmethod
    @abstractmethod
    def build_to_audio(channels: int, audio_channels: int) -> nn.Module:
        """Build the layer that changes the audio tokens."""

    @abstractmethod
    def join(self, layer: nn.Module, x: Tensor, other: Tensor,
             axis: int) -> Tensor:
        """Join a tensor with one that broadcasts to it except in ``axis``."""

    def fuse(self, stage: int, x: Tensor, audio: Tensor, valid: Tensor
             ) -> tuple[Tensor, Tensor]:
        """Fuse after one stage.

        Args:
            stage (int): 0-based stage.
            x (Tensor): Its map (B*T, C, H, W).
            audio (Tensor): Audio tokens (B, T, N, D).
            valid (Tensor): (B, T) bool; tokens of padded seconds stay zero.

        Returns:
            tuple[Tensor, Tensor]: Map and tokens of the same shapes.
        """
        name = str(stage)
        if name not in self.to_map:
            return x, audio
        token = audio.mean(dim=2).flatten(0, 1)  # (B*T, D)
        pooled = x.mean(dim=(2, 3)).unflatten(0, valid.shape)  # (B, T, C)
        new_x = self.join(self.to_map[name], x, token[:, :, None, None], 1)
        new_audio = self.join(
            self.to_audio[name], audio, pooled[:, :, None], 3)
        return new_x, new_audio * valid[:, :, None, None].to(new_audio.dtype)


@MODELS.register_module()
class AddFusion(_PooledFusion):
    """Add: x' = x + repeated a, a' = a + pooled x.

    A linear layer each way brings the other modality to the right width; a
    second's map gets the mean of its audio tokens.

    Args:
        in_channels (Sequence[int]): Channels of the backbone's stages.
        audio_channels (int): Channels of the audio tokens. Defaults to 256.
        stages (Sequence[int]): 0-based stages after which to fuse. Defaults
            to all four.
        init_cfg (dict, optional): Initialisation config. Defaults to None.

    Raises:
        ValueError: If a stage does not exist.
    """

    @staticmethod
    def build_to_map(channels: int, audio_channels: int) -> nn.Module:
        return nn.Conv2d(audio_channels, channels, 1)

    @staticmethod
    def build_to_audio(channels: int, audio_channels: int) -> nn.Module:
        return nn.Linear(channels, audio_channels)

    def join(self, layer: nn.Module, x: Tensor, other: Tensor,
             axis: int) -> Tensor:
        del axis
        return x + layer(other)


@MODELS.register_module()
class ConcatFusion(_PooledFusion):
    """Concatenate and project: x' = conv([x, a]), a' = linear([a, x]).

    The sound is repeated over the pixels (the mean of the second's tokens),
    the map is pooled; nothing is added, so what the next stage reads is the
    projection alone.

    Args:
        in_channels (Sequence[int]): Channels of the backbone's stages.
        audio_channels (int): Channels of the audio tokens. Defaults to 256.
        stages (Sequence[int]): 0-based stages after which to fuse. Defaults
            to all four.
        init_cfg (dict, optional): Initialisation config. Defaults to None.

    Raises:
        ValueError: If a stage does not exist.
    """

    @staticmethod
    def build_to_map(channels: int, audio_channels: int) -> nn.Module:
        return nn.Conv2d(channels + audio_channels, channels, 1)

    @staticmethod
    def build_to_audio(channels: int, audio_channels: int) -> nn.Module:
        return nn.Linear(channels + audio_channels, audio_channels)

    def join(self, layer: nn.Module, x: Tensor, other: Tensor,
             axis: int) -> Tensor:
        shape = list(x.shape)
        shape[axis] = other.shape[axis]
        return layer(torch.cat([x, other.expand(shape)], dim=axis))
