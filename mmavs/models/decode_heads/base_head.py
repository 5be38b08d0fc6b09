# Copyright (c) OpenMMLab. All rights reserved.
"""What all decode heads share: labels, losses and prediction."""

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmavs.models.losses import (
    ClipBCELoss,
    ClipCrossEntropyLoss,
    ClipDiceLoss,
    labelled_frame_mean,
)
from mmavs.registry import MODELS
from mmavs.structures import AVFeatures, AVSDataSample

DEFAULT_LOSSES = {
    'binary': dict(dice=dict(type=ClipDiceLoss), bce=dict(type=ClipBCELoss)),
    'semantic': dict(ce=dict(type=ClipCrossEntropyLoss)),
}


class BaseAVSHead(BaseModule, metaclass=ABCMeta):
    """Base of the decode heads.

    A subclass implements :meth:`forward`; what it returns must hold
    ``logits`` (B*T, K, h, w), zero in padded seconds. Losses that read
    other outputs go into :meth:`extra_losses`.

    Args:
        num_classes (int): 1 for a foreground logit (binary), else the
            number of classes K with background as class 0. Defaults to 1.
        loss_decode (dict, optional): Named losses on the logits, each
            (logits (M, K, H, W), target (M, H, W)) -> (M,). Name ``x``
            becomes ``loss_x``; a value of None leaves one out. Defaults to
            Dice and binary cross entropy, or cross entropy for K > 1.
        init_cfg (dict, optional): Initialisation config. Defaults to None.
    """

    def __init__(self, *, num_classes: int = 1,
                 loss_decode: dict | None = None,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg=init_cfg)
        if num_classes < 1:
            raise ValueError(f'num_classes must be at least 1 (a foreground '
                             f'logit), got {num_classes}')
        self.num_classes = num_classes
        if loss_decode is None:
            kind = 'binary' if num_classes == 1 else 'semantic'
            loss_decode = DEFAULT_LOSSES[kind]
        self.loss_decode = build_losses(loss_decode)

    @abstractmethod
    def forward(self, features: AVFeatures) -> dict:
        """Decode features into a dict that holds ``logits``."""

    def extra_losses(self, outputs: dict, target: Tensor
                     ) -> dict[str, Tensor]:
        """Losses per frame (M,) on outputs other than the logits.

        Args:
            outputs (dict): What :meth:`forward` returned.
            target (Tensor): Class indices (M, H, W).
        """
        del outputs, target
        return {}

    def loss_by_feat(self, outputs: dict, features: AVFeatures,
                     data_samples: Sequence[AVSDataSample]
                     ) -> dict[str, Tensor]:
        """Average every loss over the labelled frames.

        Args:
            outputs (dict): What :meth:`forward` returned.
            features (AVFeatures): What the head read.
            data_samples (Sequence[AVSDataSample]): One per clip, with
                ``gt_sem_seg``; ``label_valid`` is optional.

        Returns:
            dict[str, Tensor]: Scalars named ``loss_*``.
        """
        target, label_valid = stack_labels(data_samples, features)
        logits = resize(outputs['logits'], target.shape[-2:])
        losses = {f'loss_{name}': loss(logits, target)
                  for name, loss in self.loss_decode.items()}
        losses.update(self.extra_losses(outputs, target))
        return {name: labelled_frame_mean(value, label_valid)
                for name, value in losses.items()}

    def predict_by_feat(self, outputs: dict, features: AVFeatures,
                        size: tuple[int, int]) -> Tensor:
        """Resize the logits to the masks' size.

        Args:
            outputs (dict): What :meth:`forward` returned.
            features (AVFeatures): What the head read.
            size (tuple[int, int]): Height and width.

        Returns:
            Tensor: Scores (B, T, K, H, W), zero in padded seconds; log-odds
            for K = 1.
        """
        scores = resize(outputs['logits'], size)
        scores = scores * features.frame_mask(scores)
        return scores.unflatten(0, features.valid.shape)


def build_losses(losses: dict) -> nn.ModuleDict:
    """Build named losses; None leaves one out."""
    return nn.ModuleDict({
        name: loss if isinstance(loss, nn.Module) else MODELS.build(loss)
        for name, loss in losses.items() if loss is not None})


def resize(x: Tensor, size: Sequence[int]) -> Tensor:
    """Resize maps bilinearly with aligned corners, as AVSBench's models do.

    Args:
        x (Tensor): (M, C, h, w).
        size (Sequence[int]): Height and width.

    Returns:
        Tensor: (M, C, H, W), float32.
    """
    x = x.float()
    if tuple(x.shape[-2:]) == tuple(size):
        return x
    return F.interpolate(
        x, size=tuple(size), mode='bilinear', align_corners=True)


def stack_labels(data_samples: Sequence[AVSDataSample] | None,
                 features: AVFeatures) -> tuple[Tensor, Tensor]:
    """Stack the clips' masks, padded to the batch's number of seconds.

    Args:
        data_samples (Sequence[AVSDataSample]): One per clip.
        features (AVFeatures): Says B, T and the device.

    Returns:
        tuple[Tensor, Tensor]: Class indices (B*T, H, W) int64, and (B*T,)
        bool, True where a label counts.

    Raises:
        ValueError: If a clip has no labels, or clips differ in mask size.
    """
    missing = [sample.get('clip_id', index)
               for index, sample in enumerate(data_samples or ())
               if 'gt_sem_seg' not in sample]
    if not data_samples or missing:
        raise ValueError(
            'the loss needs gt_sem_seg of every clip'
            + (f', clips without it: {missing}' if missing else '')
            + '; is LoadClipMasks in the training pipeline?')
    shapes = {tuple(sample.gt_sem_seg.shape[-2:]) for sample in data_samples}
    if len(shapes) > 1:
        raise ValueError(f'masks of a batch differ in size: {sorted(shapes)}; '
                         'add ResizeMasks(size=...) to the training pipeline')
    valid = features.valid
    target = valid.new_zeros((*valid.shape, *shapes.pop()), dtype=torch.long)
    label_valid = torch.zeros_like(valid)
    for index, sample in enumerate(data_samples):
        masks = sample.gt_sem_seg
        target[index, :len(masks)] = masks.to(target)
        counts = sample.get('label_valid')
        label_valid[index, :len(masks)] = (
            True if counts is None else counts.to(label_valid))
    return target.flatten(0, 1), (label_valid & valid).flatten()
