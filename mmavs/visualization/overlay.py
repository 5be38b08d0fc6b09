# Copyright (c) OpenMMLab. All rights reserved.
"""Masks over frames."""

from collections.abc import Sequence

import numpy as np
from PIL import Image


def resize_mask(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Nearest-neighbour resize of a class map.

    Args:
        mask (np.ndarray): (H, W) class indices below 256, or bool.
        size (tuple[int, int]): New height and width.

    Returns:
        np.ndarray: uint8, of that size.
    """
    mask = np.asarray(mask).astype(np.uint8)
    if mask.shape == tuple(size):
        return mask
    return np.asarray(Image.fromarray(mask).resize(
        (size[1], size[0]), Image.Resampling.NEAREST))


def resize_frame(frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Smooth resize of a picture (H, W, 3) uint8 to (height, width)."""
    if frame.shape[:2] == tuple(size):
        return frame
    return np.asarray(Image.fromarray(frame).resize(
        (size[1], size[0]), Image.Resampling.LANCZOS))


def mask_outline(mask: np.ndarray, width: int = 1) -> np.ndarray:
    """Pixels of each region within ``width`` of another class.

    Args:
        mask (np.ndarray): (H, W) class indices.
        width (int): Thickness in pixels. Defaults to 1.

    Returns:
        np.ndarray: (H, W) bool, False on the background (class 0).
    """
    edge = np.zeros(mask.shape, dtype=bool)
    for step in range(1, width + 1):
        edge[step:] |= mask[step:] != mask[:-step]
        edge[:-step] |= mask[:-step] != mask[step:]
        edge[:, step:] |= mask[:, step:] != mask[:, :-step]
        edge[:, :-step] |= mask[:, :-step] != mask[:, step:]
    return edge & (mask != 0)


class MaskPainter:
    """A mask ready to be laid over many frames.

    Args:
        mask (np.ndarray): (h, w) class indices, 0 is background; resized
            to ``size`` if needed.
        colours (Sequence[Sequence[int]]): RGB of each class; entry 0 is not
            used.
        size (tuple[int, int]): Height and width of the frames.
        alpha (float): Weight of the colour in 0..1. Defaults to 0.5.
        outline (bool): Whether to draw the border in full colour. Defaults
            to True.

    Raises:
        ValueError: If the mask has a class without a colour.
    """

    def __init__(self, mask: np.ndarray, colours: Sequence[Sequence[int]],
                 size: tuple[int, int], *, alpha: float = 0.5,
                 outline: bool = True) -> None:
        mask = resize_mask(mask, size)
        colours = np.asarray(colours, dtype=np.uint8)
        if mask.max(initial=0) >= len(colours):
            raise ValueError(f'the mask has class {mask.max()}, but there '
                             f'are colours for {len(colours)} classes only')
        weight = np.zeros(256, dtype=np.uint8)
        weight[1:] = round(alpha * 255)
        matte = weight[mask]
        if outline:
            matte[mask_outline(mask, width=max(1, max(size) // 200))] = 255
        self._empty = not matte.any()
        self._tint = Image.fromarray(colours[mask])
        self._matte = Image.fromarray(matte)

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        """Return the frame (H, W, 3) uint8 with the mask over it, a copy."""
        if self._empty:
            return frame.copy()
        return np.array(Image.composite(
            self._tint, Image.fromarray(frame), self._matte))


def overlay_mask(frame: np.ndarray, mask: np.ndarray,
                 colours: Sequence[Sequence[int]], *,
                 alpha: float = 0.5, outline: bool = True) -> np.ndarray:
    """Tint a frame where a mask is set.

    Args:
        frame (np.ndarray): (H, W, 3) uint8 RGB.
        mask (np.ndarray): (h, w) class indices; see :class:`MaskPainter`.
        colours (Sequence[Sequence[int]]): RGB of each class.
        alpha (float): Weight of the colour in 0..1. Defaults to 0.5.
        outline (bool): Whether to draw the border in full colour. Defaults
            to True.

    Returns:
        np.ndarray: A new (H, W, 3) uint8 picture.

    Raises:
        ValueError: If the mask has a class without a colour.
    """
    return MaskPainter(mask, colours, frame.shape[:2], alpha=alpha,
                       outline=outline)(frame)
