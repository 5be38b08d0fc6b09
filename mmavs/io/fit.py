# Copyright (c) OpenMMLab. All rights reserved.
"""Making the weights of a related model fit: resize tables, leave out rest."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch.nn.functional as F
from torch import Tensor

from .weights import shorten

# Learned positions: one row per cell of a square, row-major.
TABLES = (r'(^|\.)pos_embed$', )


@dataclass
class FitReport:
    """What :func:`fit_weights` did.

    Attributes:
        weights (dict[str, Tensor]): Fits the model; may lack some names.
        resized (list[str]): Tables that were interpolated, with their
            shapes.
        left_out (list[str]): Names that do not fit, and why.
        new (list[str]): Names of the model that the file does not provide.
    """

    weights: dict[str, Tensor] = field(default_factory=dict)
    resized: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        parts = [f'{len(self.weights)} tensors fit']
        if self.resized:
            parts.append(f'resized {", ".join(self.resized)}')
        if self.left_out:
            parts.append(f'left out {shorten(self.left_out)}')
        if self.new:
            parts.append(f'starting anew {shorten(self.new)}')
        return '; '.join(parts)


def fit_weights(weights: Mapping[str, Tensor], wanted: Mapping[str, Tensor],
                *, tables: Sequence[str] = TABLES) -> FitReport:
    """Take over what fits a model, resizing tables of positions.

    Args:
        weights (Mapping[str, Tensor]): Of a related model, in its names.
        wanted (Mapping[str, Tensor]): The model's own; only names and shapes
            are looked at.
        tables (Sequence[str]): Regular expressions of the names of tables
            (side^2, C) that are interpolated (bicubic) where their side
            differs. Defaults to names that end in ``pos_embed``.

    Returns:
        FitReport: The weights that fit and what became of the others.
    """
    report = FitReport()
    for name, value in weights.items():
        if name not in wanted:
            report.left_out.append(f'{name} (not in the model)')
            continue
        shape = wanted[name].shape
        if value.shape == shape:
            report.weights[name] = value
            continue
        change = f'{name} {tuple(value.shape)} -> {tuple(shape)}'
        is_table = any(re.search(pattern, name) for pattern in tables)
        if is_table and _are_squares(value.shape, shape):
            report.weights[name] = resize_table(value, math.isqrt(shape[0]))
            report.resized.append(change)
        else:
            report.left_out.append(change)
    report.new = [name for name in wanted if name not in report.weights]
    return report


def resize_table(table: Tensor, side: int) -> Tensor:
    """Interpolate a square table of positions, bicubic.

    Args:
        table (Tensor): (n^2, C), row-major.
        side (int): Its new side.

    Returns:
        Tensor: (side^2, C), of the same dtype.
    """
    old = math.isqrt(len(table))
    grid = table.float().t().reshape(1, -1, old, old)
    grid = F.interpolate(
        grid, size=(side, side), mode='bicubic', align_corners=False)
    return grid.flatten(2)[0].t().contiguous().to(table.dtype)


def _are_squares(*shapes: Sequence[int]) -> bool:
    """Whether all are (side^2, C) with the same C."""
    return (all(len(shape) == 2 and shape[0] > 0
                and math.isqrt(shape[0])**2 == shape[0] for shape in shapes)
            and len({shape[1] for shape in shapes}) == 1)
