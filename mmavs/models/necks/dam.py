# Copyright (c) OpenMMLab. All rights reserved.
"""Dual Alignment Module: fusion between the stages of the backbone.

SelM: Selective Mechanism based Audio-Visual Segmentation (ACM MM 2024),
section 4.2. Symbols: M = B*T frames, C channels and L = H*W pixels of a
stage, N audio tokens of a frame with D channels each.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmavs.registry import MODELS

DIRECTIONS = ('a2v', 'v2a')
VALUE_NORMS = ('instance', 'none', 'layer')
# Added to the scores of masked tokens; float16 can hold it.
MASKED_SCORE = -1e4


def check_directions(directions: Sequence[str]) -> tuple[str, ...]:
    """Return the directions as a tuple, or say which ones exist.

    Raises:
        ValueError: If one is unknown, or none is given.
    """
    directions = tuple(directions)
    if not directions or set(directions) - set(DIRECTIONS):
        raise ValueError(f'directions must be one or both of {DIRECTIONS}, '
                         f'got {directions}; to leave the module out, set '
                         'its slot to None')
    return directions


def check_stages(stages: Sequence[int], num_stages: int) -> None:
    """Refuse stages that the backbone does not have.

    Raises:
        ValueError: If a 0-based stage is out of range, or none is given.
    """
    wrong = [stage for stage in stages if not 0 <= stage < num_stages]
    if wrong or not stages:
        raise ValueError(
            f'stages must be some of 0 to {num_stages - 1}, got '
            f'{tuple(stages)}; to fuse nowhere, set early_fusion to None')


def instance_norm(x: Tensor, eps: float = 1e-5) -> Tensor:
    """Normalise (M, C, L) over L, without affine parameters.

    Unlike PyTorch's, it takes L = 1, which is the deepest stage of a 32x32
    input; the result is 0 then.
    """
    return x - x if x.shape[-1] == 1 else F.instance_norm(x, eps=eps)


class AudioToVisual(nn.Module):
    """A2V: each pixel gathers the audio tokens that fit it.

    Args:
        channels (int): C.
        audio_channels (int): D.
        value_norm (str): See :class:`DAM`.
    """

    def __init__(self, channels: int, audio_channels: int, *,
                 value_norm: str) -> None:
        super().__init__()
        self.value_norm = value_norm
        self.query = nn.Conv1d(channels, channels, 1)
        self.query2 = nn.Conv1d(channels, channels, 1)
        self.key = nn.Conv1d(audio_channels, channels, 1)
        self.value = nn.Conv1d(audio_channels, channels, 1)
        # softmax(one scalar) = 1, whatever it learns; it is in the released
        # checkpoints, so it is here.
        self.scale = nn.Parameter(torch.ones(1))
        self.value_out = nn.Conv1d(channels, channels, 1)
        self.visual_in = nn.Conv1d(channels, channels, 1)
        self.out = nn.Conv1d(channels, channels, 1)
        self.gate = nn.Sequential(
            nn.Linear(channels, channels, bias=False), nn.ReLU(),
            nn.Linear(channels, channels, bias=False), nn.Tanh())

    def forward(self, x: Tensor, audio: Tensor, mask: Tensor) -> Tensor:
        """Return the new map: x (M, C, L), audio (M, D, N), mask (M, 1, N)."""
        query = instance_norm(self.query(x))  # (M, C, L)
        query = instance_norm(self.query2(query))
        key = self.key(audio) * mask  # (M, C, N)
        value = self.value(audio) * mask
        scores = query.transpose(1, 2) @ key * x.shape[1]**-0.5  # (M, L, N)
        scores = scores + (1 - mask) * MASKED_SCORE
        weights = scores.softmax(dim=-1) * self.scale.softmax(dim=0)
        gathered = value @ weights.transpose(1, 2)  # (M, C, L)
        v = self._normalise(self.value_out(gathered))
        r = F.gelu(self.out(F.gelu(self.visual_in(x)) * v))
        gate = self.gate(r.transpose(1, 2)).transpose(1, 2)
        return x + gate * r

    def _normalise(self, v: Tensor) -> Tensor:
        if self.value_norm == 'instance':
            return instance_norm(v)
        if self.value_norm == 'layer':
            return F.layer_norm(v.transpose(1, 2), v.shape[1:2]).transpose(
                1, 2)
        return v


class VisualToAudio(nn.Module):
    """V2A: each audio token gathers the pixels that fit it.

    Args:
        channels (int): C.
        audio_channels (int): D.
    """

    def __init__(self, channels: int, audio_channels: int) -> None:
        super().__init__()
        self.query = nn.Conv1d(audio_channels, channels, 1)
        self.query2 = nn.Conv1d(channels, audio_channels, 1)
        self.key = nn.Conv1d(channels, audio_channels, 1)
        self.value = nn.Conv1d(channels, audio_channels, 1)
        self.scale = nn.Parameter(torch.ones(1))  # as in AudioToVisual
        self.value_out = nn.Conv1d(audio_channels, audio_channels, 1)
        self.out = nn.Conv1d(audio_channels, audio_channels, 1)

    def forward(self, x: Tensor, audio: Tensor, mask: Tensor) -> Tensor:
        """Return new tokens: x (M, C, L), audio (M, D, N), mask (M, 1, N)."""
        query = self.query2(self.query(audio)) * mask  # (M, D, N)
        key = instance_norm(self.key(x))  # (M, D, L)
        value = instance_norm(self.value(x))
        # the stage's own C scales the scores, though they sum over D
        scores = query.transpose(1, 2) @ key * x.shape[1]**-0.5  # (M, N, L)
        scores = scores + (1 - mask).transpose(1, 2) * MASKED_SCORE
        weights = scores.softmax(dim=-1) * self.scale.softmax(dim=0)
        gathered = value @ weights.transpose(1, 2)  # (M, D, N)
        return audio + F.gelu(self.out(self.value_out(gathered)))


class DAMBlock(nn.Module):
    """DAM of one stage. Both directions read the same inputs.

    Args:
        channels (int): Channels C of the stage.
        audio_channels (int): Channels D of the audio tokens.
        directions (Sequence[str]): See :class:`DAM`.
        value_norm (str): See :class:`DAM`.
    """

    def __init__(self, channels: int, audio_channels: int, *,
                 directions: Sequence[str] = DIRECTIONS,
                 value_norm: str = 'instance') -> None:
        super().__init__()
        self.a2v = (AudioToVisual(channels, audio_channels,
                                  value_norm=value_norm)
                    if 'a2v' in directions else None)
        self.v2a = (VisualToAudio(channels, audio_channels)
                    if 'v2a' in directions else None)

    def forward(self, x: Tensor, audio: Tensor, mask: Tensor
                ) -> tuple[Tensor, Tensor]:
        """Align a stage's map and the audio tokens.

        Args:
            x (Tensor): (M, C, H, W).
            audio (Tensor): (M, N, D).
            mask (Tensor): (M, N), 1 for tokens that count, 0 for padding.

        Returns:
            tuple[Tensor, Tensor]: Map and tokens of the same shapes.
        """
        pixels = x.flatten(2)  # (M, C, L)
        tokens = audio.transpose(1, 2)  # (M, D, N)
        mask = mask[:, None].to(x.dtype)  # (M, 1, N)
        if self.a2v is not None:
            x = self.a2v(pixels, tokens, mask).view_as(x)
        if self.v2a is not None:
            audio = self.v2a(pixels, tokens, mask).transpose(1, 2)
        return x, audio


@MODELS.register_module()
class DAM(BaseModule):
    """Dual Alignment Module of SelM, between the stages of the backbone.

    **With one audio token per second, the released A2V hears nothing.** The
    softmax over a single token is 1 everywhere, so the gathered value is the
    same at every pixel and its instance norm, over the pixels, returns 0:
    the direction adds the same learned constant to every pixel, whatever
    the sound and the frame. ``value_norm='instance'`` keeps this, since the
    released checkpoints behave so; ``'none'`` and ``'layer'`` make the
    direction live, which is what the paper describes. All three share the
    same parameters.

    Args:
        in_channels (Sequence[int]): Channels of the backbone's stages.
        audio_channels (int): Channels of the audio tokens. Defaults to 256.
        stages (Sequence[int]): 0-based stages after which to fuse. The
            paper counts from 1. Defaults to all four.
        directions (Sequence[str]): ``a2v`` changes the map, ``v2a`` the
            audio tokens. Defaults to both.
        value_norm (str): Norm of A2V's gathered value: ``instance`` (over
            the pixels of a frame), ``layer`` (over the channels of a pixel)
            or ``none``. Defaults to ``instance``.
        init_cfg (dict, optional): Initialisation config. Defaults to None.

    Raises:
        ValueError: If a stage, direction or norm does not exist.
    """

    def __init__(self, in_channels: Sequence[int], audio_channels: int = 256,
                 *, stages: Sequence[int] = (0, 1, 2, 3),
                 directions: Sequence[str] = DIRECTIONS,
                 value_norm: str = 'instance',
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg=init_cfg)
        if value_norm not in VALUE_NORMS:
            raise ValueError(f'value_norm must be one of {VALUE_NORMS}, got '
                             f'{value_norm!r}')
        check_stages(stages, len(in_channels))
        directions = check_directions(directions)
        self.blocks = nn.ModuleDict({
            str(stage): DAMBlock(
                in_channels[stage], audio_channels, directions=directions,
                value_norm=value_norm)
            for stage in sorted(set(stages))})

    def fuse(self, stage: int, x: Tensor, audio: Tensor, valid: Tensor
             ) -> tuple[Tensor, Tensor]:
        """Fuse after one stage; what comes out feeds the next stage.

        Args:
            stage (int): 0-based stage.
            x (Tensor): Its map (B*T, C, H, W).
            audio (Tensor): Audio tokens (B, T, N, D).
            valid (Tensor): (B, T) bool; tokens of padded seconds are masked.

        Returns:
            tuple[Tensor, Tensor]: Map and tokens of the same shapes.
        """
        if str(stage) not in self.blocks:
            return x, audio
        mask = valid.flatten()[:, None].expand(-1, audio.shape[2])  # (M, N)
        x, tokens = self.blocks[str(stage)](x, audio.flatten(0, 1), mask)
        return x, tokens.unflatten(0, audio.shape[:2])
