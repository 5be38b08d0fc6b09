# Copyright (c) OpenMMLab. All rights reserved.
"""Numbers from arrays: the metrics as plain functions on tensors."""

from .binary import (
    NUM_THRESHOLDS,
    f_curves,
    f_of_curve,
    f_thresholds,
    frame_areas,
    frame_iou,
    grouped_f,
    mean_clip_f,
    nonempty_frames,
    pooled_f,
)
from .semantic import (
    ClassScores,
    class_areas,
    class_means,
    confusion_iou,
    frame_class_scores,
    mean_over_classes,
    mean_without_background,
    mean_without_last,
)

__all__ = [
    'NUM_THRESHOLDS', 'ClassScores', 'class_areas', 'class_means',
    'confusion_iou', 'f_curves', 'f_of_curve', 'f_thresholds', 'frame_areas',
    'frame_class_scores', 'frame_iou', 'grouped_f', 'mean_clip_f',
    'mean_over_classes', 'mean_without_background', 'mean_without_last',
    'nonempty_frames', 'pooled_f'
]
