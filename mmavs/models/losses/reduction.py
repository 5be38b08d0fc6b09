# Copyright (c) OpenMMLab. All rights reserved.
"""From a value per frame to one loss, the same on any number of GPUs."""

import torch
from mmengine.dist import all_reduce, get_world_size
from torch import Tensor


def labelled_frame_mean(per_frame: Tensor, label_valid: Tensor) -> Tensor:
    """Average over the labelled frames of all processes.

    DistributedDataParallel averages gradients over processes. Dividing each
    process's sum by (labelled frames everywhere / number of processes)
    makes that average the gradient of one process holding the whole batch,
    also where processes have different numbers of labelled frames.

    Args:
        per_frame (Tensor): Loss of each frame (M,).
        label_valid (Tensor): (M,) bool, frames whose label counts.

    Returns:
        Tensor: Scalar; 0, but part of the graph, without labelled frames.
    """
    weight = label_valid.reshape(-1).to(per_frame)
    count = weight.sum()
    if get_world_size() > 1:
        count = count.detach().clone()
        all_reduce(count)
        count = count / get_world_size()
    # where(): a frame without a label must not spread an inf or a NaN
    kept = torch.where(weight > 0, per_frame, torch.zeros_like(per_frame))
    smallest = 1 / get_world_size()
    return kept.sum() / count.clamp(min=smallest)
