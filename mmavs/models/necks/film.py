# Copyright (c) OpenMMLab. All rights reserved.
"""FiLM: the simplest fusion, a baseline for the others.

FiLM: Visual Reasoning with a General Conditioning Layer,
https://arxiv.org/abs/1709.07871.
"""

from collections.abc import Sequence

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmavs.registry import MODELS

from .dam import check_stages


@MODELS.register_module()
class FiLMFusion(BaseModule):
    """Audio scales and shifts each channel of a stage's map.

    x' = (1 + scale(a)) * x + shift(a), with a the mean of the second's audio
    tokens. It starts as the identity, so a pretrained backbone is not
    disturbed. The audio tokens stay as they are.

    Args:
        in_channels (Sequence[int]): Channels of the backbone's stages.
        audio_channels (int): Channels of the audio tokens. Defaults to 256.
        stages (Sequence[int]): 0-based stages after which to fuse. Defaults
            to all four.
        init_cfg (dict, optional): Initialisation config. Defaults to None.

    Raises:
        ValueError: If a stage does not exist.
    """

    def __init__(self, in_channels: Sequence[int], audio_channels: int = 256,
                 *, stages: Sequence[int] = (0, 1, 2, 3),
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg=init_cfg)
        check_stages(stages, len(in_channels))
        self.layers = nn.ModuleDict({
            str(stage): nn.Linear(audio_channels, 2 * in_channels[stage])
            for stage in sorted(set(stages))})
        for layer in self.layers.values():
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def fuse(self, stage: int, x: Tensor, audio: Tensor, valid: Tensor
             ) -> tuple[Tensor, Tensor]:
        """Fuse after one stage.

        Args:
            stage (int): 0-based stage.
            x (Tensor): Its map (B*T, C, H, W).
            audio (Tensor): Audio tokens (B, T, N, D).
            valid (Tensor): (B, T) bool. Unused: seconds do not mix here.

        Returns:
            tuple[Tensor, Tensor]: The new map and the same tokens.
        """
        if str(stage) not in self.layers:
            return x, audio
        token = audio.mean(dim=2).flatten(0, 1)  # (B*T, D)
        scale, shift = self.layers[str(stage)](token).chunk(2, dim=1)
        x = (1 + scale[:, :, None, None]) * x + shift[:, :, None, None]
        return x, audio
