# Copyright (c) OpenMMLab. All rights reserved.
"""Bi-directional Cross-modal Selective Module: gates that know the past.

SelM: Selective Mechanism based Audio-Visual Segmentation (ACM MM 2024),
section 4.3. Symbols as in :class:`mmavs.structures.AVFeatures`.
"""

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmavs.models.layers import Mamba
from mmavs.registry import MODELS
from mmavs.structures import AVFeatures

from .dam import DIRECTIONS, check_directions

RESIDUALS = ('norm', 'raw')


class MambaLayer(nn.Module):
    """LayerNorm, Mamba and a residual.

    Args:
        channels (int): Channels of the sequence.
        residual (str): See :class:`BCSM`.
        backend (str): See :class:`mmavs.models.layers.Mamba`.
    """

    def __init__(self, channels: int, *, residual: str, backend: str) -> None:
        super().__init__()
        self.residual = residual
        self.norm = nn.LayerNorm(channels)
        self.mamba = Mamba(channels, backend=backend)

    def forward(self, u: Tensor) -> Tensor:
        """Map (B, L, C) to (B, L, C)."""
        n = self.norm(u)
        return (n if self.residual == 'norm' else u) + self.mamba(n)


class TemporalGate(nn.Module):
    """Read a sequence in time and emit a gate for each of its steps.

    Args:
        channels (int): Channels of the sequence.
        out_channels (int): Channels of what the gate multiplies.
        depth (int): Number of Mamba layers.
        residual (str): See :class:`BCSM`.
        backend (str): See :class:`mmavs.models.layers.Mamba`.
        embed (bool): Whether a linear layer comes first.
    """

    def __init__(self, channels: int, out_channels: int, *, depth: int,
                 residual: str, backend: str, embed: bool) -> None:
        super().__init__()
        self.embed = nn.Linear(channels, channels) if embed else nn.Identity()
        self.encoder = nn.Sequential(*(
            MambaLayer(channels, residual=residual, backend=backend)
            for _ in range(depth)))
        self.gate = nn.Sequential(
            nn.Linear(channels, out_channels), nn.SiLU())

    def forward(self, u: Tensor) -> Tensor:
        """Map (B, L, C) to (B, L, out_channels)."""
        return self.gate(self.encoder(self.embed(u)))


@MODELS.register_module()
class BCSM(BaseModule):
    """Bi-directional Cross-modal Selective Module of SelM.

    Each modality is read along time by a causal Mamba encoder, one per
    stage, and gates the other one: x_s += g_audio,s * x_s and
    a += mean_s(g_visual,s) * a. Where a second has several audio tokens,
    the encoder reads them all in time order, and the second's gate on the
    map is the mean over its tokens.

    Padding at the end of a clip cannot reach the seconds before it, since
    Mamba is causal; what padded seconds hold is set to zero.

    Args:
        in_channels (Sequence[int]): Channels of the maps.
        audio_channels (int): Channels of the audio tokens. Defaults to 256.
        directions (Sequence[str]): ``a2v``: audio gates the maps; ``v2a``:
            the maps gate the audio. Defaults to both.
        residual (str): What a Mamba layer's residual adds: ``norm`` its
            normalised input (the released checkpoints), ``raw`` the input
            itself (the supplement's pseudo-code). Defaults to ``norm``.
        depth (int): Mamba layers per encoder. Defaults to 3.
        backend (str): ``auto``, ``torch`` or ``mamba_ssm``; see
            :class:`mmavs.models.layers.Mamba`. Defaults to ``auto``.
        init_cfg (dict, optional): Initialisation config. Defaults to None.

    Raises:
        ValueError: If a direction or the residual does not exist.
    """

    def __init__(self, in_channels: Sequence[int], audio_channels: int = 256,
                 *, directions: Sequence[str] = DIRECTIONS,
                 residual: str = 'norm', depth: int = 3,
                 backend: str = 'auto', init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg=init_cfg)
        if residual not in RESIDUALS:
            raise ValueError(f'residual must be one of {RESIDUALS}, got '
                             f'{residual!r}')
        directions = check_directions(directions)
        self.out_channels = list(in_channels)
        options = dict(depth=depth, residual=residual, backend=backend)
        self.audio_gates = self.visual_gates = None
        if 'a2v' in directions:
            self.audio_gates = nn.ModuleList(
                TemporalGate(audio_channels, width, embed=False, **options)
                for width in in_channels)
        if 'v2a' in directions:
            self.visual_gates = nn.ModuleList(
                TemporalGate(width, audio_channels, embed=True, **options)
                for width in in_channels)

    def forward(self, features: AVFeatures) -> AVFeatures:
        """Gate each modality by the other; shapes stay as they are."""
        maps, audio = features.maps, features.audio  # audio (B, T, N, D)
        new_maps, new_audio = maps, audio
        if self.audio_gates is not None:
            new_maps = [self._gate_map(gate, x, audio) for gate, x in zip(
                self.audio_gates, maps, strict=True)]
        if self.visual_gates is not None:
            gates = [self._visual_gate(gate, x, audio) for gate, x in zip(
                self.visual_gates, maps, strict=True)]
            gate = torch.stack(gates).mean(dim=0)  # (B, T, D)
            new_audio = audio + gate[:, :, None] * audio
        valid = features.valid[:, :, None, None].to(new_audio.dtype)
        return features.replace(
            maps=[x * features.frame_mask(x) for x in new_maps],
            audio=new_audio * valid)

    @staticmethod
    def _gate_map(gate: TemporalGate, x: Tensor, audio: Tensor) -> Tensor:
        g = gate(audio.flatten(1, 2))  # (B, T*N, C)
        g = g.unflatten(1, audio.shape[1:3]).mean(dim=2)  # (B, T, C)
        return x + g.flatten(0, 1)[:, :, None, None] * x

    @staticmethod
    def _visual_gate(gate: TemporalGate, x: Tensor, audio: Tensor) -> Tensor:
        pooled = x.mean(dim=(2, 3))  # (B*T, C)
        return gate(pooled.unflatten(0, audio.shape[:2]))  # (B, T, D)
