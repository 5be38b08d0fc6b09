# Copyright (c) OpenMMLab. All rights reserved.
"""The weights and inputs behind the reference outputs.

Both sides of the comparison draw them from parameter names and a seed, so no
checkpoint file is needed. Reference outputs come from the folder ``parity``
under ``MMAVS_SHARED``, or else from the small part of it in
``tests/data/parity``.
"""

import json
import math
import os
import zlib
from pathlib import Path

import numpy as np
import torch

REPO = Path(__file__).resolve().parents[2]
SMALL = REPO / 'tests' / 'data' / 'parity'


def parity_dir() -> Path:
    shared = Path(os.environ.get('MMAVS_SHARED', REPO.parent / 'shared'))
    return shared / 'parity' if (shared / 'parity').is_dir() else SMALL


def read_case(name: str) -> tuple[dict, dict[str, np.ndarray]]:
    """The JSON and the arrays of a case."""
    folder = parity_dir()
    with np.load(folder / f'{name}.npz') as arrays:
        return (json.loads((folder / f'{name}.json').read_text()),
                dict(arrays))


def read_manifest(name: str) -> dict[str, list[int]]:
    return json.loads((parity_dir() / f'manifest_{name}.json').read_text())


def draw_parameter(name: str, shape: list[int]) -> np.ndarray:
    """The value of a parameter follows from its name alone."""
    rng = np.random.RandomState(zlib.crc32(name.encode()) & 0x7FFFFFFF)
    if name.endswith('num_batches_tracked'):
        return np.zeros(shape, np.int64)
    noise = rng.standard_normal(size=shape).astype(np.float32)
    if name.endswith('A_log'):
        states = np.arange(1, shape[1] + 1, dtype=np.float32)
        return np.log(states)[None] + 0.1 * noise
    if name.endswith('dt_proj.bias'):
        return 0.5 * noise - 4.0
    if name.endswith('running_var'):
        return 1.0 + 0.1 * np.abs(noise)
    if len(shape) > 1:
        return (noise / math.sqrt(math.prod(shape[1:]))).astype(np.float32)
    if name.endswith(('weight', '.D')):
        return 1.0 + 0.1 * noise
    return 0.1 * noise


def draw_weights(manifest: dict[str, list[int]]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(np.asarray(draw_parameter(name, shape)))
            for name, shape in manifest.items()}


def draw_clip(seed: int, seconds: int, size: int, num_classes: int) -> dict:
    """Frames (T, 3, size, size), VGGish embeddings (T, 128), masks (T, 224,
    224): block noise, and one rectangle of one class per frame."""
    rng = np.random.RandomState(seed)
    cells = rng.standard_normal(
        (seconds, 3, size // 16, size // 16)).astype(np.float32)
    frames = cells.repeat(16, axis=2).repeat(16, axis=3)
    frames = frames + 0.1 * rng.standard_normal(
        frames.shape).astype(np.float32)
    audio = np.abs(rng.standard_normal((seconds, 128))).astype(np.float32)
    masks = np.zeros((seconds, 224, 224), np.uint8)
    for mask in masks:
        top, left = rng.randint(0, 112, 2)
        height, width = rng.randint(40, 112, 2)
        mask[top:top + height, left:left + width] = rng.randint(
            1, max(2, num_classes))
    return dict(frames=torch.from_numpy(frames.astype(np.float32)),
                audio=torch.from_numpy(audio), masks=torch.from_numpy(masks))


def thin_out(x: torch.Tensor) -> np.ndarray:
    """The positions of a map (M, C, H, W) that the reference keeps."""
    step = max(1, x.shape[-1] // 28)
    x = x[:, ::max(1, x.shape[1] // 8), ::step, ::step]
    return x.detach().numpy()


def relative_error(found: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference over the array's largest magnitude."""
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max() / np.abs(expected).max())
