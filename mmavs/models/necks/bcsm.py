# Copyright (c) OpenMMLab. All rights reserved.
"""Bi-directional Cross-modal Selective Module: gates that know the past.

SelM: Selective Mechanism based Audio-Visual Segmentation (ACM MM 2024),
section 4.3. Symbols as in :class:`mmavs.structures.AVFeatures`.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmavs.models.layers import (
    Mamba,
    stack_parameters,
    stacked_layer_norm,
    stacked_linear,
    stacked_mamba,
)
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


def run_one_by_one(gates: Sequence[TemporalGate],
                   sequences: Sequence[Tensor]) -> list[Tensor]:
    """Each gate on its sequence: what :func:`run_stacked` must equal."""
    return [gate(u) for gate, u in zip(gates, sequences, strict=True)]


def run_stacked(gates: Sequence[TemporalGate], sequences: Sequence[Tensor]
                ) -> list[Tensor]:
    """Each gate on its sequence, equal layers in one computation.

    Args:
        gates (Sequence[TemporalGate]): The gates.
        sequences (Sequence[Tensor]): One (B, L, C) each.

    Returns:
        list[Tensor]: One (B, L, out_channels) each.
    """
    u = _run_equal([gate.embed for gate in gates], sequences, _linear)
    u = _run_equal([gate.encoder for gate in gates], u, _encode)
    return _run_equal([gate.gate for gate in gates], u, _gate)


def _run_equal(layers: Sequence[nn.Module], inputs: Sequence[Tensor],
               run: Callable) -> list[Tensor]:
    """Run those layers together whose inputs and parameters are alike."""
    kinds: dict[tuple, list[int]] = {}
    for index, (layer, u) in enumerate(zip(layers, inputs, strict=True)):
        shapes = tuple(p.shape for p in layer.parameters())
        kinds.setdefault((u.shape, shapes), []).append(index)
    outputs = list(inputs)
    for (_, shapes), members in kinds.items():
        if shapes:  # an identity has no parameters
            x = torch.stack([inputs[index] for index in members])
            x = run(x, [layers[index] for index in members])
            for index, value in zip(members, x.unbind(), strict=True):
                outputs[index] = value
    return outputs


def _linear(x: Tensor, layers: Sequence[nn.Linear]) -> Tensor:
    return stacked_linear(x, **stack_parameters(layers))


def _gate(x: Tensor, layers: Sequence[nn.Sequential]) -> Tensor:
    return F.silu(_linear(x, [layer[0] for layer in layers]))


def _encode(x: Tensor, encoders: Sequence[nn.Sequential]) -> Tensor:
    """E encoders on (E, B, L, C)."""
    first = encoders[0][0]
    layers = [layer for level in zip(*encoders, strict=True)
              for layer in level]
    shape = (len(encoders[0]), len(encoders))

    def by_level(modules: list[nn.Module]) -> list[dict[str, Tensor]]:
        weights = {name: w.unflatten(0, shape).unbind()
                   for name, w in stack_parameters(modules).items()}
        return [dict(zip(weights, level, strict=True))
                for level in zip(*weights.values(), strict=True)]

    norms = by_level([layer.norm for layer in layers])
    mambas = by_level([layer.mamba for layer in layers])
    for norm, mamba in zip(norms, mambas, strict=True):
        n = stacked_layer_norm(x, **norm, eps=first.norm.eps)
        x = (n if first.residual == 'norm' else x) + stacked_mamba(
            n, first.mamba, mamba)
    return x


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
        stacked (bool, optional): Whether the encoders of all stages and
            both modalities run as one computation over stacked weights,
            with a fifth of the kernel launches; the result and the
            checkpoints are the same. Defaults to None: everywhere but on
            the CPU, where launching costs little and one encoder's weights
            stay in the cache.
        init_cfg (dict, optional): Initialisation config. Defaults to None.

    Raises:
        ValueError: If a direction or the residual does not exist.
    """

    def __init__(self, in_channels: Sequence[int], audio_channels: int = 256,
                 *, directions: Sequence[str] = DIRECTIONS,
                 residual: str = 'norm', depth: int = 3,
                 backend: str = 'auto', stacked: bool | None = None,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg=init_cfg)
        self.stacked = stacked
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
        audio_gates = list(self.audio_gates or ())
        visual_gates = list(self.visual_gates or ())
        heard = audio.flatten(1, 2)  # (B, T*N, D)
        seen = [x.mean(dim=(2, 3)).unflatten(0, audio.shape[:2])
                for x in maps] if visual_gates else []  # (B, T, C)
        gates = self._run_gates(
            audio_gates + visual_gates, [heard] * len(audio_gates) + seen)
        on_maps, on_audio = gates[:len(audio_gates)], gates[len(audio_gates):]

        valid = features.valid[:, :, None].to(audio.dtype)  # (B, T, 1)
        factors = [valid.flatten(0, 1)] * len(maps)  # (B*T, 1)
        if on_maps:  # the mean over the tokens of a second
            means = [g.unflatten(1, audio.shape[1:3]).mean(dim=2)
                     for g in on_maps]
            factors = [torch.addcmul(valid, valid, g).flatten(0, 1)
                       for g in means]
        if on_audio:
            valid = torch.addcmul(
                valid, valid, torch.stack(on_audio).mean(dim=0))
        return features.replace(
            maps=[x * factor[:, :, None, None].to(x.dtype)
                  for x, factor in zip(maps, factors, strict=True)],
            audio=audio * valid[:, :, None])

    def _run_gates(self, gates: list[TemporalGate], sequences: list[Tensor]
                   ) -> list[Tensor]:
        stacked = self.stacked
        if stacked is None:
            stacked = sequences[0].device.type != 'cpu'
        # whoever watches single gates sees them run
        if any(gate._forward_hooks for gate in gates):
            stacked = False
        return (run_stacked if stacked else run_one_by_one)(gates, sequences)
