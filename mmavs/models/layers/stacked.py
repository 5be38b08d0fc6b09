# Copyright (c) OpenMMLab. All rights reserved.
"""Several equal layers with their own weights, as one computation.

E layers that read E inputs cost E times the kernel launches of one, and for
the short sequences here launching is what takes the time. These functions
stack the weights when they are called (the parameters stay where and what
they are) and run all E at once. Inputs are (E, B, L, C): B sequences of L
steps for each of the E layers.
"""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .mamba import Mamba
from .selective_scan import selective_scan


def stack_parameters(layers: Sequence[nn.Module]) -> dict[str, Tensor]:
    """Each parameter of E equal layers as one tensor, (E, ...)."""
    return {
        name: torch.stack([layer.get_parameter(name) for layer in layers])
        for name, _ in layers[0].named_parameters()}


def stacked_linear(x: Tensor, weight: Tensor, bias: Tensor | None = None
                   ) -> Tensor:
    """E linear layers.

    Args:
        x (Tensor): (E, ..., C_in).
        weight (Tensor): (E, C_out, C_in).
        bias (Tensor, optional): (E, C_out). Defaults to None.

    Returns:
        Tensor: (E, ..., C_out).
    """
    flat, weight = x.flatten(1, -2), weight.transpose(1, 2)
    out = (torch.bmm(flat, weight) if bias is None else
           torch.baddbmm(bias.unsqueeze(1), flat, weight))
    return out.unflatten(1, x.shape[1:-1])


def stacked_layer_norm(x: Tensor, weight: Tensor, bias: Tensor, *,
                       eps: float) -> Tensor:
    """E layer norms on (E, B, L, C); weight and bias (E, C)."""
    n = F.layer_norm(x, x.shape[-1:], eps=eps)
    return torch.addcmul(bias[:, None, None], n, weight[:, None, None])


def stacked_mamba(x: Tensor, block: Mamba, weights: Mapping[str, Tensor]
                  ) -> Tensor:
    """Block e on x[e]; the same steps as :meth:`Mamba.forward`.

    The E * D channels of all blocks lie side by side; to the scan they are E
    groups.

    Args:
        x (Tensor): (E, B, L, C).
        block (Mamba): One of the blocks, for its sizes.
        weights (Mapping[str, Tensor]): All blocks' parameters, (E, ...).

    Returns:
        Tensor: (E, B, L, C).
    """
    num, clips, length, _ = x.shape

    def channels(y: Tensor) -> Tensor:  # (E, B, L, D) to (B, E*D, L)
        return y.permute(1, 0, 3, 2).reshape(clips, -1, length)

    def steps(y: Tensor) -> Tensor:  # (B, E*D, L) to (E, B, L, D)
        return y.unflatten(1, (num, -1)).permute(1, 0, 3, 2)

    u, z = stacked_linear(x, weights['in_proj.weight']).chunk(2, dim=-1)
    u = F.conv1d(
        channels(u), weights['conv1d.weight'].flatten(0, 1),
        weights['conv1d.bias'].flatten(), padding=block.conv1d.padding,
        groups=num * block.d_inner)
    u = F.silu(u[..., :length])  # drop what looks ahead
    dt, B, C = stacked_linear(steps(u), weights['x_proj.weight']).split(
        [block.dt_rank, block.d_state, block.d_state], dim=-1)
    delta = stacked_linear(dt, weights['dt_proj.weight'])
    y = selective_scan(
        u, channels(delta),
        -torch.exp(weights['A_log'].flatten(0, 1).float()),
        B.permute(1, 0, 3, 2), C.permute(1, 0, 3, 2),  # (B, E, N, L)
        D=weights['D'].flatten().float(), z=channels(z),
        delta_bias=weights['dt_proj.bias'].flatten().float(),
        delta_softplus=True, backend=block.backend)
    return stacked_linear(steps(y), weights['out_proj.weight'])
