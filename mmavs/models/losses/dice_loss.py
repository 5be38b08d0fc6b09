# Copyright (c) OpenMMLab. All rights reserved.
"""Dice losses, frame by frame."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmavs.registry import MODELS


def dice_per_frame(prob: Tensor, target: Tensor, eps: float = 1e-3) -> Tensor:
    """1 - 2 sum(ab) / (sum(a^2) + eps + sum(b^2) + eps) of each frame.

    Args:
        prob (Tensor): a, in [0, 1], (M, ...).
        target (Tensor): b, 0 or 1, same shape.
        eps (float): Added to both sums. Defaults to 1e-3.

    Returns:
        Tensor: (M,).
    """
    a, b = prob.flatten(1).float(), target.flatten(1).float()
    overlap = (a * b).sum(dim=1)
    size = (a * a).sum(dim=1) + eps + (b * b).sum(dim=1) + eps
    return 1 - 2 * overlap / size


@MODELS.register_module()
class ClipDiceLoss(nn.Module):
    """Dice of one foreground logit, one value per frame.

    A frame without foreground has the loss 1 whatever is predicted, so there
    is no gradient: Dice alone does not teach a model to stay silent. Add
    :class:`ClipBCELoss` for that.

    Args:
        eps (float): Added to both sums of squares. Defaults to 1e-3.
        loss_weight (float): Factor. Defaults to 1.0.
    """

    def __init__(self, *, eps: float = 1e-3, loss_weight: float = 1.0
                 ) -> None:
        super().__init__()
        self.eps = eps
        self.loss_weight = loss_weight

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of each frame.

        Args:
            logits (Tensor): (M, 1, H, W).
            target (Tensor): Class indices (M, H, W); > 0 is foreground.

        Returns:
            Tensor: (M,).
        """
        check_binary(logits, self)
        prob = logits[:, 0].float().sigmoid()
        return self.loss_weight * dice_per_frame(prob, target > 0, self.eps)


@MODELS.register_module()
class HeatmapDiceLoss(nn.Module):
    """Auxiliary Dice on CLEVER's heat maps, one value per frame.

    SelM, section 4.5. Each map of the target token is compared with the
    nearest-resized foreground; the weights grow with the layer.

    Args:
        weights (Sequence[float]): Weight of each layer, first to last.
            Defaults to (0.001, 0.01, 0.1).
        coefficient (float): Factor on the weighted sum, the supplement's
            0.5, 1, 1.5 or 2. Defaults to 1.0.
        heat_sigmoid (bool): Send the one-hot map through a sigmoid first,
            as the released code does, so that its values are 0.5 and 0.73.
            Defaults to True.
        eps (float): As in :class:`ClipDiceLoss`. Defaults to 1e-3.
    """

    def __init__(self, *, weights: Sequence[float] = (0.001, 0.01, 0.1),
                 coefficient: float = 1.0, heat_sigmoid: bool = True,
                 eps: float = 1e-3) -> None:
        super().__init__()
        self.weights = tuple(weights)
        self.coefficient = coefficient
        self.heat_sigmoid = heat_sigmoid
        self.eps = eps

    def forward(self, heatmaps: Sequence[Tensor], target: Tensor) -> Tensor:
        """Return the loss of each frame.

        Args:
            heatmaps (Sequence[Tensor]): One (M, tokens, h_l, w_l) per
                layer; the last token is the target.
            target (Tensor): Class indices (M, H, W); > 0 is foreground.

        Returns:
            Tensor: (M,).

        Raises:
            ValueError: If there are more or fewer maps than weights.
        """
        if len(heatmaps) != len(self.weights):
            raise ValueError(
                f'the head gives {len(heatmaps)} heat maps, but weights has '
                f'{len(self.weights)} values')
        total = target.new_zeros(len(target), dtype=torch.float32)
        for weight, heat in zip(self.weights, heatmaps, strict=True):
            heat = heat[:, -1:].float()
            heat = F.interpolate(heat, target.shape[-2:], mode='nearest')
            prob = heat.sigmoid() if self.heat_sigmoid else heat
            total = total + weight * dice_per_frame(
                prob, (target > 0)[:, None], self.eps)
        return self.coefficient * total


def check_binary(logits: Tensor, loss: nn.Module) -> None:
    """Refuse logits with several classes.

    Raises:
        ValueError: Naming the loss and what to use.
    """
    if logits.shape[1] != 1:
        raise ValueError(
            f'{type(loss).__name__} is for one foreground logit, got '
            f'{logits.shape[1]} classes; use ClipCrossEntropyLoss there')
