# Copyright (c) OpenMMLab. All rights reserved.
"""COCO's run-length encoding of masks."""

from collections.abc import Sequence

import numpy as np


def encode_rle(mask: np.ndarray) -> dict:
    """Encode a mask as COCO does.

    Args:
        mask (np.ndarray): (H, W), non-zero is foreground.

    Returns:
        dict: ``size`` [H, W] and ``counts``, COCO's compressed string.
    """
    flat = np.asarray(mask).astype(bool).ravel(order='F')
    change = np.flatnonzero(np.diff(flat)) + 1
    edges = np.concatenate([[0], change, [flat.size]])
    runs = np.diff(edges).tolist()
    if flat.size and flat[0]:
        runs.insert(0, 0)  # runs begin with background
    return dict(size=list(mask.shape), counts=_pack(runs))


def decode_rle(rle: dict) -> np.ndarray:
    """Decode what :func:`encode_rle` made.

    Args:
        rle (dict): ``size`` and ``counts``.

    Returns:
        np.ndarray: (H, W) bool.

    Raises:
        ValueError: If the runs do not fill the mask.
    """
    height, width = rle['size']
    runs = _unpack(rle['counts'])
    if sum(runs) != height * width or min(runs, default=0) < 0:
        raise ValueError(f'the runs of an RLE add up to {sum(runs)}, not to '
                         f'{height} x {width}')
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape((height, width), order='F')


def _pack(runs: Sequence[int]) -> str:
    """Five bits a character; from the fourth run on, differences."""
    out = []
    for index, run in enumerate(runs):
        value = run - runs[index - 2] if index > 2 else run
        more = True
        while more:
            bits = value & 0x1f
            value >>= 5
            more = value != (-1 if bits & 0x10 else 0)
            out.append(chr((bits | (0x20 if more else 0)) + 48))
    return ''.join(out)


def _unpack(text: str) -> list[int]:
    runs: list[int] = []
    value, shift = 0, 0
    for letter in text:
        code = ord(letter) - 48
        value |= (code & 0x1f) << shift
        shift += 5
        if code & 0x20:
            continue
        if code & 0x10:
            value -= 1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
        value, shift = 0, 0
    return runs
