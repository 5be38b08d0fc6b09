# Copyright (c) OpenMMLab. All rights reserved.
"""J and F of binary masks, as AVSBench (S4, MS3) defines them.

The unit is the frame: N frames of H x W pixels. Nothing here knows about
batches; what depends on grouping (the official F) takes the group size as an
argument. Sums are kept in float64, so the order of the clips changes nothing
that is printed.
"""

import torch
from torch import Tensor

NUM_THRESHOLDS = 255
BETA_SQUARED = 0.3
_EPS = 1e-20  # as in the official code: keeps 0/0 out of P and R


def nonempty_frames(target: Tensor) -> Tensor:
    """Which frames have any ground truth.

    Args:
        target (Tensor): Ground truth (N, H, W), non-zero is foreground.

    Returns:
        Tensor: (N,) bool.
    """
    return (target != 0).flatten(1).any(dim=1)


def frame_areas(pred: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Intersection and union of the foreground, in pixels.

    Args:
        pred (Tensor): Predicted masks (N, H, W), bool; for logits pass
            ``logits > 0`` (the official ``sigmoid > 0.5``, strict).
        target (Tensor): Ground truth (N, H, W), non-zero is foreground.

    Returns:
        tuple[Tensor, Tensor]: Intersections and unions, (N,) int64.

    Raises:
        ValueError: If the shapes differ.
    """
    _check_shapes(pred, target)
    pred, target = pred != 0, target != 0
    inter = (pred & target).flatten(1).sum(dim=1)
    union = (pred | target).flatten(1).sum(dim=1)
    return inter, union


def frame_iou(pred: Tensor, target: Tensor) -> Tensor:
    """Official IoU of each frame (the J of S4 and MS3 is its mean).

    A frame without ground truth scores its background accuracy: 1 for an
    empty prediction, 0 for one that is all foreground.

    Args:
        pred (Tensor): Predicted masks (N, H, W), bool.
        target (Tensor): Ground truth (N, H, W), non-zero is foreground.

    Returns:
        Tensor: (N,) float64.
    """
    inter, union = frame_areas(pred, target)
    pixels = target[0].numel() if len(target) else 1
    correct = pixels - union  # with an empty target: where pred is empty too
    nonempty = nonempty_frames(target)
    inter = torch.where(nonempty, inter, correct).double()
    union = torch.where(nonempty, union,
                        torch.full_like(union, pixels)).double()
    return inter / union


def f_thresholds(device: torch.device | str = 'cpu') -> Tensor:
    """The 255 official thresholds ``k / 254``, float32; 0 and 1 are in.

    They are made on the CPU, since other devices round some differently.
    """
    return torch.linspace(
        0, 1 - 1e-10, NUM_THRESHOLDS, dtype=torch.float32).to(device)


def f_curves(logits: Tensor, target: Tensor) -> Tensor:
    """F (beta^2 = 0.3) of each frame at the 255 official thresholds.

    Counting the pixels once by the highest threshold they still reach, and
    summing those counts from the top, gives exactly the numbers of 255
    comparisons ``sigmoid(logits) >= t``, ties included.

    Args:
        logits (Tensor): Log-odds (N, H, W).
        target (Tensor): Ground truth (N, H, W), non-zero is foreground.

    Returns:
        Tensor: (N, 255) float64. Rows of frames without ground truth are 0;
        the official score leaves those frames out.

    Raises:
        ValueError: If the shapes differ.
    """
    _check_shapes(logits, target)
    num_frames = len(logits)
    if num_frames == 0:
        return logits.new_zeros((0, NUM_THRESHOLDS), dtype=torch.float64)
    # One frame at a time stays in the cache of a CPU.
    step = 1 if logits.device.type == 'cpu' else num_frames
    counts = torch.cat([_count_reached(x, y) for x, y in zip(
        logits.split(step), target.split(step), strict=True)])
    # Threshold k is reached by all pixels in bins k+1 and above.
    above = counts.flip(-1).cumsum(-1).flip(-1)[..., 1:].double()
    true_pos = above[:, 1]  # (N, 255)
    predicted = above.sum(dim=1)
    positives = counts[:, 1].sum(dim=-1, keepdim=True).double()
    precision = true_pos / (predicted + _EPS)
    recall = true_pos / (positives + _EPS)
    f = ((1 + BETA_SQUARED) * precision * recall
         / (BETA_SQUARED * precision + recall))
    return f.nan_to_num(0.)


def thresholds_reached(scores: Tensor) -> Tensor:
    """How many of the 255 thresholds are at most as high as each score.

    The threshold nearest to a score follows from rounding; it alone can lie
    on either side, so one comparison with its exact value settles ties. A
    search through the thresholds takes many times longer.

    Args:
        scores (Tensor): Of any shape, float32 in [0, 1]; a NaN reaches no
            threshold.

    Returns:
        Tensor: Of the same shape, int32, 0..255.
    """
    scores = scores.nan_to_num(nan=-1.)
    nearest = (scores * (NUM_THRESHOLDS - 1)).round_().clamp_(min=0).int()
    exact = f_thresholds(scores.device)[nearest]
    return nearest.add_(scores >= exact)


def _count_reached(logits: Tensor, target: Tensor) -> Tensor:
    """Pixels by ground truth and thresholds reached, (N, 2, 256) int64."""
    bins = NUM_THRESHOLDS + 1
    index = thresholds_reached(logits.float().sigmoid())  # (N, H, W)
    index.add_(target != 0, alpha=bins)
    frame = torch.arange(len(index), device=index.device, dtype=torch.int)
    index.add_(frame[:, None, None], alpha=2 * bins)
    counts = torch.bincount(index.flatten(), minlength=len(index) * 2 * bins)
    return counts.view(len(index), 2, bins)


def f_of_curve(curve_sum: Tensor, count: Tensor) -> Tensor:
    """Maximum of a mean F curve.

    Args:
        curve_sum (Tensor): Sum of the curves of ``count`` frames,
            (..., 255).
        count (Tensor): Number of frames summed, (...).

    Returns:
        Tensor: (...) float64; 0 where there was no frame.
    """
    mean = curve_sum.double() / count.clamp(min=1).unsqueeze(-1)
    return mean.amax(dim=-1)


def grouped_f(curve_sums: Tensor, counts: Tensor,
              clips_per_group: int) -> float:
    """The official F: one threshold per group of consecutive clips.

    A group without any ground truth scores 0 and still counts, as in the
    official script, where a group is a test batch.

    Args:
        curve_sums (Tensor): Per clip, the sum of :func:`f_curves` over its
            frames with ground truth, (C, 255).
        counts (Tensor): Number of those frames, (C,).
        clips_per_group (int): Clips per official test batch.

    Returns:
        float: Mean over the groups; the last one may be smaller. 0 without
        clips.

    Raises:
        ValueError: If ``clips_per_group`` is not positive.
    """
    if clips_per_group < 1:
        raise ValueError('clips_per_group must be at least 1, got '
                         f'{clips_per_group}')
    if len(curve_sums) == 0:
        return 0.
    scores = [
        f_of_curve(curves.double().sum(dim=0), frames.sum())
        for curves, frames in zip(curve_sums.split(clips_per_group),
                                  counts.split(clips_per_group))]
    return float(torch.stack(scores).mean())


def mean_clip_f(curve_sums: Tensor, counts: Tensor) -> float:
    """F with each clip's own best threshold, averaged over the clips.

    Clips without any ground truth are left out, so that the number depends
    on no grouping.

    Args:
        curve_sums (Tensor): (C, 255), see :func:`grouped_f`.
        counts (Tensor): (C,).

    Returns:
        float: 0 if no clip has ground truth.
    """
    kept = counts > 0
    if not kept.any():
        return 0.
    return float(f_of_curve(curve_sums[kept], counts[kept]).mean())


def pooled_f(curve_sums: Tensor, counts: Tensor) -> float:
    """F with one threshold for the whole data set.

    The maximum of the curve averaged over all frames with ground truth; it
    depends neither on batches nor on the number of processes.

    Args:
        curve_sums (Tensor): (C, 255), see :func:`grouped_f`.
        counts (Tensor): (C,).

    Returns:
        float: 0 if no frame has ground truth.
    """
    if len(curve_sums) == 0:
        return 0.
    return float(f_of_curve(curve_sums.double().sum(dim=0), counts.sum()))


def _check_shapes(pred: Tensor, target: Tensor) -> None:
    if pred.shape != target.shape or pred.dim() != 3:
        raise ValueError(
            'prediction and ground truth must both be (N, H, W), got '
            f'{tuple(pred.shape)} and {tuple(target.shape)}')
