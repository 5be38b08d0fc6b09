# Copyright (c) OpenMMLab. All rights reserved.
"""The Mamba block, with the parameter names of ``mamba_ssm.Mamba``.

Mamba: Linear-Time Sequence Modeling with Selective State Spaces,
https://arxiv.org/abs/2312.00752, section 3.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .selective_scan import BACKENDS, selective_scan

# The step sizes start log-uniform between these (section 3.6 of the paper).
DT_MIN, DT_MAX, DT_FLOOR = 1e-3, 1e-1, 1e-4


class Mamba(nn.Module):
    """Selective state space block.

    Names and shapes of the parameters are those of ``mamba_ssm.Mamba``, so
    its weights load unchanged. As there, ``A_log`` and ``D`` carry
    ``_no_weight_decay`` for optimisers that look for it.

    Args:
        d_model (int): Channels of the sequence.
        d_state (int): States N per channel. Defaults to 16.
        d_conv (int): Width of the causal convolution. Defaults to 4.
        expand (int): Inner channels as a multiple of ``d_model``.
            Defaults to 2.
        dt_rank (int | str): Rank of the step size's projection; ``auto`` is
            ceil(d_model / 16). Defaults to ``auto``.
        backend (str): ``auto``, ``torch`` or ``mamba_ssm``; see
            :func:`selective_scan`. Defaults to ``auto``.
    """

    def __init__(self, d_model: int, *, d_state: int = 16, d_conv: int = 4,
                 expand: int = 2, dt_rank: int | str = 'auto',
                 backend: str = 'auto') -> None:
        super().__init__()
        if backend not in BACKENDS:
            raise ValueError(
                f'backend must be one of {BACKENDS}, got {backend!r}')
        self.backend = backend
        self.d_state = d_state
        self.d_inner = expand * d_model
        self.dt_rank = (math.ceil(d_model / 16) if dt_rank == 'auto'
                        else int(dt_rank))

        self.in_proj = nn.Linear(d_model, 2 * self.d_inner, bias=False)
        self.conv1d = nn.Conv1d(
            self.d_inner, self.d_inner, d_conv, groups=self.d_inner,
            padding=d_conv - 1)
        self.x_proj = nn.Linear(
            self.d_inner, self.dt_rank + 2 * d_state, bias=False)
        self.dt_proj = nn.Linear(self.dt_rank, self.d_inner)
        # S4D-real: state n of every channel starts with decay -n.
        states = torch.arange(1, d_state + 1, dtype=torch.float32)
        self.A_log = nn.Parameter(
            states.log().repeat(self.d_inner, 1))
        self.D = nn.Parameter(torch.ones(self.d_inner))
        self.A_log._no_weight_decay = True
        self.D._no_weight_decay = True
        self.out_proj = nn.Linear(self.d_inner, d_model, bias=False)
        self._init_step_size()

    def _init_step_size(self) -> None:
        """Let softplus(dt_proj.bias) start log-uniform in [1e-3, 1e-1]."""
        bound = self.dt_rank**-0.5
        nn.init.uniform_(self.dt_proj.weight, -bound, bound)
        draw = torch.rand(self.d_inner)
        step = torch.exp(draw * (math.log(DT_MAX) - math.log(DT_MIN))
                         + math.log(DT_MIN)).clamp(min=DT_FLOOR)
        inverse_softplus = step + torch.log(-torch.expm1(-step))
        with torch.no_grad():
            self.dt_proj.bias.copy_(inverse_softplus)

    def forward(self, x: Tensor) -> Tensor:
        """Mix a sequence along time, causally.

        Args:
            x (Tensor): (B, L, d_model).

        Returns:
            Tensor: (B, L, d_model); step t depends on steps up to t only.
        """
        length = x.shape[1]
        u, z = self.in_proj(x).transpose(1, 2).chunk(2, dim=1)  # (B, D, L)
        u = F.silu(self.conv1d(u)[..., :length])  # drop what looks ahead
        dt, B, C = self.x_proj(u.transpose(1, 2)).split(
            [self.dt_rank, self.d_state, self.d_state], dim=-1)
        # The scan adds dt_proj's bias itself, in float32.
        delta = F.linear(dt, self.dt_proj.weight)
        y = selective_scan(
            u, delta.transpose(1, 2), -torch.exp(self.A_log.float()),
            B.transpose(1, 2).contiguous(), C.transpose(1, 2).contiguous(),
            D=self.D.float(), z=z, delta_bias=self.dt_proj.bias.float(),
            delta_softplus=True, backend=self.backend)
        return self.out_proj(y.transpose(1, 2))
