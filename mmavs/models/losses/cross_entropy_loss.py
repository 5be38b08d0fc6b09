# Copyright (c) OpenMMLab. All rights reserved.
"""Binary and multi-class cross entropy, frame by frame."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmavs.registry import MODELS

from .dice_loss import check_binary


@MODELS.register_module()
class ClipBCELoss(nn.Module):
    """Binary cross entropy with logits: mean over pixels, value per frame.

    Args:
        loss_weight (float): Factor. Defaults to 1.0.
    """

    def __init__(self, *, loss_weight: float = 1.0) -> None:
        super().__init__()
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
        loss = F.binary_cross_entropy_with_logits(
            logits[:, 0].float(), (target > 0).float(), reduction='none')
        return self.loss_weight * loss.mean(dim=(1, 2))


@MODELS.register_module()
class ClipCrossEntropyLoss(nn.Module):
    """Cross entropy over classes: one value per frame.

    A frame's value is PyTorch's ``reduction='mean'`` on that frame: the sum
    over its counted pixels, divided by the sum of their class weights (by
    their number without weights). A frame with nothing to count gives 0.

    Args:
        ignore_index (int): Class index of pixels that do not count.
            Defaults to 255.
        class_weight (Sequence[float], optional): Weight of each class.
            Defaults to None.
        loss_weight (float): Factor. Defaults to 1.0.
    """

    def __init__(self, *, ignore_index: int = 255,
                 class_weight: Sequence[float] | None = None,
                 loss_weight: float = 1.0) -> None:
        super().__init__()
        self.ignore_index = ignore_index
        self.loss_weight = loss_weight
        weight = (None if class_weight is None else
                  torch.tensor(class_weight, dtype=torch.float32))
        self.register_buffer('class_weight', weight, persistent=False)

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of each frame.

        Args:
            logits (Tensor): (M, K, H, W).
            target (Tensor): Class indices (M, H, W).

        Returns:
            Tensor: (M,).

        Raises:
            ValueError: If ``class_weight`` does not fit the classes, or a
                label is neither a class nor ``ignore_index``.
        """
        num_classes = logits.shape[1]
        self._check(target, num_classes)
        target = target.long()
        loss = F.cross_entropy(
            logits.float(), target, weight=self.class_weight,
            ignore_index=self.ignore_index, reduction='none')  # (M, H, W)
        counted = target != self.ignore_index
        share = counted.to(loss)
        if self.class_weight is not None:
            index = target.masked_fill(~counted, 0)
            share = share * self.class_weight[index]
        total = share.sum(dim=(1, 2))
        mean = loss.sum(dim=(1, 2)) / torch.where(total > 0, total, 1)
        return self.loss_weight * mean

    def _check(self, target: Tensor, num_classes: int) -> None:
        weight = self.class_weight
        if weight is not None and len(weight) != num_classes:
            raise ValueError(f'class_weight has {len(weight)} values for '
                             f'{num_classes} classes')
        # Reading a value waits for a GPU, which then reports bad labels
        # itself; on the CPU the check is free.
        if target.is_cpu:
            wrong = (target >= num_classes) & (target != self.ignore_index)
            if wrong.any():
                raise ValueError(
                    f'a mask holds class {int(target[wrong][0])}, but the '
                    f'head has {num_classes} classes (ignore_index is '
                    f'{self.ignore_index}); check decode_head.num_classes')
