# Copyright (c) OpenMMLab. All rights reserved.
"""Parameters and FLOPs of a segmentor, slot by slot."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode


class PartCount(NamedTuple):
    """What one slot of a segmentor costs.

    ``live`` and ``unused`` count parameters: those that the outputs depend
    on, and those that never run. ``flops`` are for the given inputs, two per
    multiply-add of convolutions, linear layers and attention.
    """

    name: str
    live: int
    unused: int
    flops: int


def count_parts(model: nn.Module, inputs: Mapping[str, Tensor]
                ) -> list[PartCount]:
    """Count every slot of a segmentor on some inputs.

    Works on the ``meta`` device, where nothing is computed. Parameters count
    as live if the gradient of the outputs reaches them; this switches
    ``requires_grad`` on everywhere and leaves gradients behind, so use a
    model made for the purpose. A frozen audio encoder must be unfrozen.

    Args:
        model (nn.Module): A segmentor.
        inputs (Mapping[str, Tensor]): What it reads, batch axis included.

    Returns:
        list[PartCount]: One per slot that has parameters or FLOPs.
    """
    model.requires_grad_(True)
    with FlopCounterMode(display=False) as counter:
        outputs = model(dict(inputs), mode='tensor')
    total = sum(value.sum() for value in _tensors(outputs))
    total.backward()
    flops = _flops_by_slot(counter, type(model).__name__)
    parts = []
    for name, part in model.named_children():
        live = unused = 0
        for parameter in part.parameters():
            if parameter.grad is None:
                unused += parameter.numel()
            else:
                live += parameter.numel()
        if live or unused or flops.get(name):
            parts.append(PartCount(name, live, unused, flops.get(name, 0)))
    return parts


def _tensors(outputs) -> list[Tensor]:
    """All differentiable tensors in nested outputs."""
    if isinstance(outputs, torch.Tensor):
        return [outputs] if outputs.requires_grad else []
    if isinstance(outputs, Mapping):
        outputs = list(outputs.values())
    if isinstance(outputs, (list, tuple)):
        return [x for item in outputs for x in _tensors(item)]
    return []


def _flops_by_slot(counter: FlopCounterMode, root: str) -> dict[str, int]:
    """Add up the outermost modules that were called inside each slot.

    A slot need not be called itself: backbones are run stage by stage, and
    early fusion through its method ``fuse``.
    """
    counts = {name: sum(ops.values())
              for name, ops in counter.get_flop_counts().items()
              if name.startswith(f'{root}.')}
    flops: dict[str, int] = {}
    for name, value in counts.items():
        parents = name.split('.')
        outermost = not any('.'.join(parents[:depth]) in counts
                            for depth in range(2, len(parents)))
        if outermost:
            flops[parents[1]] = flops.get(parents[1], 0) + value
    return flops
