# Copyright (c) OpenMMLab. All rights reserved.
"""Decoding and resizing of pictures, with Pillow as the references do."""

import os

import numpy as np
from PIL import Image

from mmavs.datasets.classes import voc_palette
from mmavs.datasets.errors import ClipError
from mmavs.io.picture import open_picture

CHECKER = 'tools/dataset_converters/check_avsbench.py'


def read_image(path: str | os.PathLike, clip_id: str) -> Image.Image:
    """Decode a picture completely.

    Args:
        path (str | PathLike): The file.
        clip_id (str): The clip, for the message.

    Returns:
        Image: The picture in its own mode.

    Raises:
        ClipError: If the file is missing or broken.
    """
    try:
        return open_picture(path)
    except FileNotFoundError as error:
        raise ClipError(clip_id, path, 'is missing; list all missing files '
                        f'with {CHECKER}') from error
    except ValueError as error:
        raise ClipError(clip_id, path, str(error).removeprefix(f'{path}: ')
                        ) from error


def binary_mask(image: Image.Image) -> np.ndarray:
    """Return the foreground (grey above 127) as (H, W) uint8 of 0 and 1."""
    return (np.asarray(image.convert('L')) > 127).astype(np.uint8)


def is_coloured(image: Image.Image) -> bool:
    """Return whether a mask stores colours and not class indices."""
    return image.mode in ('RGB', 'RGBA', 'CMYK', 'YCbCr')


def index_mask(image: Image.Image) -> np.ndarray:
    """Return stored class indices, (H, W) integers."""
    return np.asarray(image).astype(np.int64)


def colour_mask(image: Image.Image, num_classes: int) -> np.ndarray:
    """Turn VOC colours into class indices, (H, W) uint8.

    A colour that belongs to no class becomes background, as in the official
    loader.
    """
    colours = np.asarray(image.convert('RGB')).astype(np.int64)
    shifts = np.array([1 << 16, 1 << 8, 1])
    codes = colours @ shifts  # (H, W)
    palette = np.array(voc_palette(num_classes)) @ shifts
    order = np.argsort(palette)
    place = np.searchsorted(palette, codes, sorter=order)
    index = order[place.clip(max=num_classes - 1)]
    return np.where(palette[index] == codes, index, 0).astype(np.uint8)


def resize_image(array: np.ndarray, size: tuple[int, int],
                 method: Image.Resampling) -> np.ndarray:
    """Resize (H, W) or (H, W, 3) uint8 to (height, width) with Pillow."""
    if array.shape[:2] == size:
        return array
    height, width = size
    return np.asarray(Image.fromarray(array).resize((width, height), method))
