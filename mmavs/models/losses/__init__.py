# Copyright (c) OpenMMLab. All rights reserved.
from .cross_entropy_loss import ClipBCELoss, ClipCrossEntropyLoss
from .dice_loss import ClipDiceLoss, HeatmapDiceLoss, dice_per_frame
from .reduction import labelled_frame_mean

__all__ = [
    'ClipBCELoss', 'ClipCrossEntropyLoss', 'ClipDiceLoss', 'HeatmapDiceLoss',
    'dice_per_frame', 'labelled_frame_mean'
]
