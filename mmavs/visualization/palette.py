# Copyright (c) OpenMMLab. All rights reserved.
"""Colours: of classes, of binary masks and of energies."""

import numpy as np

from mmavs.datasets.classes import voc_palette as class_colours

PREDICTION = (255, 96, 32)
GROUND_TRUTH = (40, 200, 120)

# A dark-to-bright ramp, monotone in lightness, for energies.
_RAMP = np.array([
    (0, 0, 4), (28, 16, 68), (79, 18, 123), (129, 37, 129), (181, 54, 122),
    (229, 80, 100), (251, 135, 97), (254, 194, 135), (252, 253, 191)],
    dtype=np.float32)


def voc_palette(num_classes: int) -> np.ndarray:
    """PASCAL-VOC's colours, which AVSBench-semantic's masks use.

    Args:
        num_classes (int): Number of colours, at most 256.

    Returns:
        np.ndarray: (num_classes, 3) uint8 RGB; colour 0 is black.
    """
    return np.array(class_colours(num_classes), dtype=np.uint8)


def energy_colours(values: np.ndarray) -> np.ndarray:
    """Paint values in 0..1, from dark to bright.

    Args:
        values (np.ndarray): Any shape (...).

    Returns:
        np.ndarray: (..., 3) uint8 RGB.
    """
    position = np.clip(np.nan_to_num(values), 0, 1) * (len(_RAMP) - 1)
    low = np.minimum(position.astype(np.int64), len(_RAMP) - 2)
    share = (position - low)[..., None]
    return np.round(_RAMP[low] * (1 - share)
                    + _RAMP[low + 1] * share).astype(np.uint8)
