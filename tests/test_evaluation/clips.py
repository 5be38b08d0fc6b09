# Copyright (c) OpenMMLab. All rights reserved.
"""Random clips for the metric tests."""

import torch

from mmavs.structures import AVSDataSample


def binary_clip(index, *, seconds=5, size=12, empty=()):
    """A clip with correlated scores and labels; some seconds are silent."""
    generator = torch.Generator().manual_seed(100 + index)
    target = torch.rand(seconds, size, size, generator=generator) > 0.7
    noise = torch.randn(seconds, 1, size, size, generator=generator)
    logits = target[:, None] * 1.5 - 0.5 + noise
    target[list(empty)] = False
    return sample(index, gt_sem_seg=target.to(torch.uint8),
                  seg_logits=logits,
                  pred_sem_seg=(logits[:, 0] > 0).to(torch.uint8))


def semantic_clip(index, *, seconds=10, size=12, num_classes=71):
    """A clip whose prediction is right for about half of the pixels."""
    generator = torch.Generator().manual_seed(200 + index)
    shape = (seconds, size, size)
    few = torch.randint(0, num_classes, (4, ), generator=generator)
    few[0] = 0
    target = few[torch.randint(0, 4, shape, generator=generator)]
    other = few[torch.randint(0, 4, shape, generator=generator)]
    right = torch.rand(shape, generator=generator) > 0.5
    return sample(index, gt_sem_seg=target.to(torch.uint8),
                  pred_sem_seg=torch.where(right, target,
                                           other).to(torch.uint8))


def sample(index, **fields):
    """An AVSDataSample with the meta data that metrics read."""
    seconds = len(fields['gt_sem_seg'])
    return AVSDataSample(
        metainfo=dict(sample_idx=index, clip_id=f'clip_{index}'),
        valid=torch.ones(seconds, dtype=torch.bool),
        label_valid=torch.ones(seconds, dtype=torch.bool), **fields)
