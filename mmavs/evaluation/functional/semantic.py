# Copyright (c) OpenMMLab. All rights reserved.
"""J and F of class maps, as AVSBench-semantic defines them, and mIoU.

The official score is neither a frame mean nor a confusion-matrix mIoU: for
each class it averages over the frames in which that class occurs in the
prediction *or* the ground truth, and then over all classes, where a class
that never occurs counts as 0.
"""

from typing import NamedTuple

import torch
from torch import Tensor

BETA_SQUARED = 0.3
_EPS = 2.2e-16  # as in the official code


class ClassScores(NamedTuple):
    """Scores of each frame and class, all (N, K).

    Attributes:
        iou (Tensor): float64, 0 where the class does not occur.
        f (Tensor): float64, 0 where there is no overlap.
        present (Tensor): bool, the class occurs in prediction or ground
            truth.
    """

    iou: Tensor
    f: Tensor
    present: Tensor


def class_areas(pred: Tensor, target: Tensor,
                num_classes: int) -> tuple[Tensor, Tensor, Tensor]:
    """Areas in pixels of each class in each frame.

    Args:
        pred (Tensor): Predicted class maps (N, H, W), integer.
        target (Tensor): Class maps (N, H, W), integer.
        num_classes (int): Number of classes K, background included.

    Returns:
        tuple[Tensor, Tensor, Tensor]: Intersection, prediction and ground
        truth, each (N, K) int64.

    Raises:
        ValueError: If the shapes differ or a class index is out of range.
    """
    if pred.shape != target.shape or pred.dim() != 3:
        raise ValueError(
            'prediction and ground truth must both be (N, H, W), got '
            f'{tuple(pred.shape)} and {tuple(target.shape)}')
    num_frames = len(pred)
    shape = (num_frames, num_classes)
    if pred.numel() == 0:
        zeros = torch.zeros(shape, dtype=torch.int64, device=pred.device)
        return zeros, zeros.clone(), zeros.clone()
    for name, maps in (('prediction', pred), ('ground truth', target)):
        low, high = (int(value) for value in maps.aminmax())
        if low < 0 or high >= num_classes:
            raise ValueError(
                f'class {high if high >= num_classes else low} in the {name} '
                f'is outside 0..{num_classes - 1}; set num_classes to the '
                'number of classes including background')
    # One frame at a time stays in the cache of a CPU.
    step = 1 if pred.device.type == 'cpu' else num_frames
    confusion = torch.cat([
        _confusion(x, y, num_classes)
        for x, y in zip(pred.split(step), target.split(step), strict=True)])
    return (confusion.diagonal(dim1=1, dim2=2).clone(),
            confusion.sum(dim=2), confusion.sum(dim=1))


def _confusion(pred: Tensor, target: Tensor, num_classes: int) -> Tensor:
    """Pixels of each class (row) by true class, (N, K, K) int64."""
    num_frames = len(pred)
    index = torch.add(target.int(), pred.int(), alpha=num_classes)
    if num_frames > 1:
        frame = torch.arange(
            num_frames, device=pred.device, dtype=torch.int)
        index.add_(frame[:, None, None], alpha=num_classes**2)
    counts = torch.bincount(
        index.flatten(), minlength=num_frames * num_classes**2)
    return counts.view(num_frames, num_classes, num_classes)


def frame_class_scores(inter: Tensor, pred: Tensor,
                       target: Tensor) -> ClassScores:
    """Official IoU and F of each frame and class.

    Args:
        inter (Tensor): Intersections (N, K), as from :func:`class_areas`.
        pred (Tensor): Predicted areas (N, K).
        target (Tensor): Ground truth areas (N, K).

    Returns:
        ClassScores: Per frame and class.
    """
    union = pred + target - inter
    inter = inter.double()
    iou = inter / (union + _EPS)
    precision, recall = inter / pred, inter / target
    f = ((1 + BETA_SQUARED) * precision * recall
         / (BETA_SQUARED * precision + recall))
    return ClassScores(iou=iou, f=f.nan_to_num(0.), present=union > 0)


def class_means(sums: Tensor, counts: Tensor) -> Tensor:
    """Mean score of each class over the frames in which it occurs.

    Args:
        sums (Tensor): Sums over frames (K,).
        counts (Tensor): Number of frames with the class (K,).

    Returns:
        Tensor: (K,) float64; NaN for classes that never occur.
    """
    return sums.double() / counts


def mean_over_classes(means: Tensor) -> float:
    """The official headline: all K classes, never-seen ones as 0."""
    return float(means.nan_to_num(0.).mean())


def mean_without_last(means: Tensor) -> float:
    """The official "no background" number.

    It drops the *last* class (woman, index 70), a leftover of an older class
    order, and keeps the background. See :func:`mean_without_background`.
    """
    return mean_over_classes(means[:-1])


def mean_without_background(means: Tensor) -> float:
    """What "no background" should mean: all classes but class 0."""
    return mean_over_classes(means[1:])


def confusion_iou(inter: Tensor, union: Tensor) -> Tensor:
    """Data-set level IoU of each class.

    Args:
        inter (Tensor): Intersections summed over all frames (K,).
        union (Tensor): Unions summed over all frames (K,).

    Returns:
        Tensor: (K,) float64; NaN for classes that never occur.
    """
    return inter.double() / union
