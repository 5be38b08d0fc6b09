# Copyright (c) OpenMMLab. All rights reserved.
"""Made-up clips of the size a config is for, to count and to measure with."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.config import Config
from torch import Tensor

from mmavs.structures import AVSDataSample

EMBEDDING = 128  # width of the embeddings where a model has no encoder


def pipeline_value(cfg: Config, transforms: Sequence[str], name: str,
                   default: Any = None) -> Any:
    """Return an argument of a transform in the test pipeline.

    Args:
        cfg (Config): A whole config.
        transforms (Sequence[str]): Types of the transforms; the first that
            has the argument counts.
        name (str): The argument.
        default: If none has it. Defaults to None.
    """
    loader = cfg.get('test_dataloader') or {}
    for step in (loader.get('dataset') or {}).get('pipeline') or ():
        if step['type'] in transforms and step.get(name) is not None:
            return step[name]
    return default


def example_shapes(cfg: Config, *, shape: Sequence[int] | None = None,
                   seconds: int | None = None) -> dict[str, tuple[int, ...]]:
    """Return the shapes of one clip, as the test pipeline makes it.

    Args:
        cfg (Config): A whole config.
        shape (Sequence[int], optional): Height and width of the frames, one
            number for both. Defaults to the pipeline's.
        seconds (int, optional): Defaults to ``data_preprocessor.pad_to``,
            else 5.

    Returns:
        dict[str, tuple]: ``frames`` (T, 3, H, W) and ``log_mel`` (T, N, 1,
        96, 64), or ``audio_embedding`` (T, N, 128) without an encoder.
    """
    size = shape or pipeline_value(
        cfg, ('ResizeFrames', 'AVSSCrop'), 'size', 224)
    size = [size] if isinstance(size, int) else list(size)
    height, width = size * 2 if len(size) == 1 else size
    preprocessor = cfg.model.get('data_preprocessor') or {}
    seconds = seconds or preprocessor.get('pad_to') or 5
    tokens = pipeline_value(
        cfg, ('LogMelSpectrogram', ), 'tokens_per_second', 1)
    shapes = dict(frames=(seconds, 3, height, width))
    if cfg.model.get('audio_encoder'):
        shapes['log_mel'] = (seconds, tokens, 1, 96, 64)
    else:
        shapes['audio_embedding'] = (seconds, tokens, EMBEDDING)
    return shapes


def example_batch(cfg: Config, num_clips: int, *,
                  shape: Sequence[int] | None = None,
                  seconds: int | None = None, seed: int = 0) -> dict:
    """Make a batch of noise as a data loader delivers it.

    Args:
        cfg (Config): A whole config.
        num_clips (int): Clips B.
        shape (Sequence[int], optional): See :func:`example_shapes`. Defaults
            to None.
        seconds (int, optional): See :func:`example_shapes`. Defaults to
            None.
        seed (int): Defaults to 0.

    Returns:
        dict: ``inputs``, lists of tensors, and ``data_samples``, for
        ``model.test_step``. Masks are as large as the pipeline's, else as
        the frames.
    """
    generator = torch.Generator().manual_seed(seed)
    shapes = example_shapes(cfg, shape=shape, seconds=seconds)
    sides = shapes['frames'][-2:]
    mask = None if shape else pipeline_value(cfg, ('ResizeMasks', ), 'size')
    mask = sides if mask is None else (
        (mask, mask) if isinstance(mask, int) else tuple(mask))

    def noise(name: str, size: tuple[int, ...]) -> Tensor:
        if name == 'frames':
            return torch.randint(0, 256, size, generator=generator,
                                 dtype=torch.uint8)
        return torch.randn(size, generator=generator)

    return dict(
        inputs={name: [noise(name, size) for _ in range(num_clips)]
                for name, size in shapes.items()},
        data_samples=[AVSDataSample(metainfo=dict(
            clip_id=str(index), mask_shape=mask))
            for index in range(num_clips)])
