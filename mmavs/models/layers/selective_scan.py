# Copyright (c) OpenMMLab. All rights reserved.
"""The selective scan of Mamba in plain PyTorch, and a switch to the kernel.

Mamba: Linear-Time Sequence Modeling with Selective State Spaces,
https://arxiv.org/abs/2312.00752, equations 2 and Algorithm 2.

Every function takes the arguments of ``mamba_ssm``'s ``selective_scan_fn``
in its layout: B sequences, D channels, L steps, N states.
"""

import importlib
import importlib.util
from collections.abc import Callable
from functools import cache

import torch
import torch.nn.functional as F
from mmengine.logging import print_log
from torch import Tensor

from .precision import full_precision

BACKENDS = ('auto', 'torch', 'mamba_ssm')
_FEW_STEPS = 16
_INSTALL = 'pip install "mmavs[mamba]"'


def selective_scan(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor,
                   *, D: Tensor | None = None, z: Tensor | None = None,
                   delta_bias: Tensor | None = None,
                   delta_softplus: bool = False,
                   backend: str = 'auto') -> Tensor:
    """Run the selective scan with the backend that was asked for.

    Args:
        u (Tensor): Input (B, D, L).
        delta (Tensor): Step sizes (B, D, L), before bias and softplus.
        A (Tensor): State decay (D, N), negative.
        B (Tensor): Input matrix (B, N, L), or (B, G, N, L) with one for
            each of G groups of D / G channels.
        C (Tensor): Output matrix, of the shape of ``B``.
        D (Tensor, optional): Skip weights (D,). Defaults to None.
        z (Tensor, optional): Gate (B, D, L), applied through SiLU.
            Defaults to None.
        delta_bias (Tensor, optional): (D,). Defaults to None.
        delta_softplus (bool): Whether softplus follows the bias.
            Defaults to False.
        backend (str): ``torch`` runs :func:`selective_scan_torch`,
            ``mamba_ssm`` the fused CUDA kernel, ``auto`` the kernel where it
            is installed and the tensors are on CUDA, unless the model is
            being compiled. What runs is logged once. Defaults to ``auto``.

    Returns:
        Tensor: (B, D, L).

    Raises:
        ImportError: If ``mamba_ssm`` is asked for and cannot be imported.
        ValueError: If the backend is unknown, or is ``mamba_ssm`` and the
            tensors are not on CUDA.
    """
    if torch.compiler.is_compiling() and backend != 'mamba_ssm':
        scan = selective_scan_torch  # a foreign kernel would cut the graph
    else:
        scan = resolve_backend(backend, u.device.type)
    return scan(u, delta, A, B, C, D=D, z=z, delta_bias=delta_bias,
                delta_softplus=delta_softplus)


@cache
def resolve_backend(backend: str, device_type: str) -> Callable:
    """Choose the function for a backend and a device, and log the choice.

    The cache makes the log line appear once per pair.
    """
    if backend not in BACKENDS:
        raise ValueError(f'backend must be one of {BACKENDS}, got {backend!r}')
    if backend == 'mamba_ssm' and device_type != 'cuda':
        raise ValueError(
            'backend="mamba_ssm" needs tensors on a CUDA device, got '
            f'{device_type}; use backend="auto" or "torch"')
    if backend == 'torch' or device_type != 'cuda':
        return _log(selective_scan_torch, 'PyTorch', device_type)
    try:
        kernel = load_kernel()
    except ImportError as error:
        if backend == 'mamba_ssm':
            raise
        return _log(selective_scan_torch, f'PyTorch ({error})', device_type)
    return _log(kernel, 'the fused kernel of mamba_ssm', device_type)


def load_kernel() -> Callable:
    """Return ``selective_scan_fn`` of mamba_ssm.

    Raises:
        ImportError: If mamba_ssm is missing, broken, or was built without
            its CUDA kernel; the message says how to go on.
    """
    name = 'mamba_ssm.ops.selective_scan_interface'
    try:
        # Newer releases leave this extension out unless asked for, and then
        # fail only when the scan is called.
        if importlib.util.find_spec('selective_scan_cuda') is None:
            raise ImportError('its extension selective_scan_cuda is absent')
        return importlib.import_module(name).selective_scan_fn
    except Exception as error:  # a broken build raises nearly anything
        raise ImportError(
            f'mamba_ssm cannot be used: {error}. Install it with {_INSTALL} '
            'on a machine with CUDA, or set backend="torch"') from error


def _log(scan: Callable, name: str, device_type: str) -> Callable:
    print_log(f'Mamba\'s selective scan on {device_type} runs in {name}',
              logger='current')
    return scan


def selective_scan_torch(u: Tensor, delta: Tensor, A: Tensor, B: Tensor,
                         C: Tensor, *, D: Tensor | None = None,
                         z: Tensor | None = None,
                         delta_bias: Tensor | None = None,
                         delta_softplus: bool = False) -> Tensor:
    """The scan in few kernels, for the short sequences here.

    Up to 16 steps it is one fused multiply-add per step. Longer sequences
    take ceil(log2(L)) rounds: the recurrence h_t = a_t h_{t-1} + b_t is a
    chain of affine maps, which compose associatively, so doubling the span
    that each step has composed gives all prefixes; only products of decays
    <= 1 occur, hence no overflow.

    Arguments and result as in :func:`selective_scan`, in float32 inside.
    """
    with full_precision(u.device.type):
        decay, drive, skip = _discretise(
            u, delta, A, B, delta_bias, delta_softplus)
        length = u.shape[-1]
        states = (_step_by_step if length <= _FEW_STEPS else _by_doubling)(
            decay, drive)
        return _finish(_read(states, C), skip, D, z).to(u.dtype)


def _step_by_step(decay: Tensor, drive: Tensor) -> Tensor:
    """States (B, L, G, N, D/G), one step after the other."""
    states = []
    state = None
    # unbind, as its gradient is one kernel for all steps
    for a, b in zip(decay.unbind(1), drive.unbind(1), strict=True):
        state = b if state is None else torch.addcmul(b, a, state)
        states.append(state)
    if len(states) == 1:
        # keeps A in the graph: DistributedDataParallel wants a gradient
        return drive + 0 * decay
    return torch.stack(states, dim=1)


def _by_doubling(decay: Tensor, drive: Tensor) -> Tensor:
    """States (B, L, G, N, D/G); as h_0 = 0, the composed drive."""
    span, length = 1, drive.shape[1]
    while span < length:
        # compose the map of the steps (t-span, t] with the one before it
        drive = torch.cat([
            drive[:, :span],
            drive[:, span:] + decay[:, span:] * drive[:, :-span]], dim=1)
        decay = torch.cat([
            decay[:, :span],
            decay[:, span:] * decay[:, :-span]], dim=1)
        span *= 2
    return drive


def selective_scan_reference(u: Tensor, delta: Tensor, A: Tensor, B: Tensor,
                             C: Tensor, *, D: Tensor | None = None,
                             z: Tensor | None = None,
                             delta_bias: Tensor | None = None,
                             delta_softplus: bool = False) -> Tensor:
    """The scan as the paper writes it, step by step: the specification.

    Arguments and result as in :func:`selective_scan`, in float32 inside.
    """
    dtype = u.dtype
    with full_precision(u.device.type):
        u, delta, A = u.float(), delta.float(), A.float()
        groups = _groups(B).shape[1]
        B, C = (_groups(x).repeat_interleave(len(A) // groups, dim=1)
                for x in (B, C))  # (B, D, N, L)
        if delta_bias is not None:
            delta = delta + delta_bias.float()[:, None]
        if delta_softplus:
            delta = F.softplus(delta)
        state = torch.zeros_like(B[..., 0])  # (B, D, N)
        y = []
        for t in range(u.shape[-1]):
            step = delta[..., t, None]  # (B, D, 1)
            state = (torch.exp(step * A) * state
                     + step * B[..., t] * u[..., t, None])
            y.append((state * C[..., t]).sum(dim=-1))  # (B, D)
        return _finish(torch.stack(y, dim=-1), u, D, z).to(dtype)


def _groups(x: Tensor) -> Tensor:
    """(B, N, L) or (B, G, N, L) to (B, G, N, L), float32."""
    return (x if x.dim() == 4 else x.unsqueeze(1)).float()


def _discretise(u: Tensor, delta: Tensor, A: Tensor, B: Tensor,
                delta_bias: Tensor | None, delta_softplus: bool
                ) -> tuple[Tensor, Tensor, Tensor]:
    """Zero-order hold: exp(delta A), delta B u, both (B, L, G, N, D/G).

    The channels come last, since they are the many.
    """
    u, delta, B = u.float(), delta.float(), _groups(B)
    if delta_bias is not None:
        delta = delta + delta_bias.float()[:, None]
    if delta_softplus:
        delta = F.softplus(delta)

    def by_step(x: Tensor) -> Tensor:  # (B, D, L) to (B, L, G, 1, D/G)
        return x.transpose(1, 2).unflatten(2, (B.shape[1], 1, -1))

    A = A.float().unflatten(0, (B.shape[1], -1)).mT  # (G, N, D/G)
    decay = torch.exp(by_step(delta) * A)
    drive = by_step(delta * u) * B.permute(0, 3, 1, 2).unsqueeze(-1)
    return decay, drive, u


def _read(states: Tensor, C: Tensor) -> Tensor:
    """States (B, L, G, N, D/G) seen through C: (B, D, L)."""
    C = _groups(C).permute(0, 3, 1, 2).unsqueeze(3)  # (B, L, G, 1, N)
    return (C @ states).flatten(2).transpose(1, 2)


def _finish(y: Tensor, u: Tensor, D: Tensor | None,
            z: Tensor | None) -> Tensor:
    if D is not None:
        y = torch.addcmul(y, u, D.float()[:, None])
    if z is not None:
        y = y * F.silu(z.float())
    return y
