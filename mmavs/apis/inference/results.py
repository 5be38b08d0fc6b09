# Copyright (c) OpenMMLab. All rights reserved.
"""Predictions of clips, put back into the order of time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from mmavs.structures import AVSDataSample
from mmavs.visualization.overlay import resize_mask

from .probe import in_order
from .windows import Clip, Window, mask_time


@dataclass
class Pass:
    """A clip that has been through the network.

    Args:
        clip (Clip): What went in.
        log_mel (np.ndarray | None): Its sound as the network heard it.
        sample (AVSDataSample): The prediction.
        seen (dict): From :meth:`Probe.take`; empty without a probe.
    """

    clip: Clip
    log_mel: np.ndarray | None
    sample: AVSDataSample
    seen: dict


def join_passes(passes: Sequence[Pass], size: tuple[int, int],
                fps: int) -> Window:
    """The passes of a window, mask by mask in the order of time.

    Args:
        passes (Sequence[Pass]): All passes of the window.
        size (tuple[int, int]): Height and width of the masks.
        fps (int): Masks per second.

    Returns:
        Window: The window.
    """
    indices = np.concatenate([list(p.clip.indices) for p in passes])
    order = np.argsort(indices)

    def in_time(parts: list) -> np.ndarray | None:
        if parts[0] is None:
            return None
        return np.concatenate(parts)[order]

    frames = [frame for p in passes for frame in p.clip.frames]
    window = Window(
        start=int(indices.min()),
        times=[mask_time(int(index), fps) for index in indices[order]],
        frames=[frames[place] for place in order],
        masks=in_time([_masks(p.sample, size) for p in passes]),
        scores=in_time([_scores(p.sample) for p in passes]),
        log_mel=in_time([p.log_mel for p in passes]),
        waveform=passes[-1].clip.window_sound)
    if passes[0].seen:
        window.heatmaps, window.gates = in_order(
            [p.seen for p in passes], order)
    return window


def _masks(sample: AVSDataSample, size: tuple[int, int]) -> np.ndarray:
    return np.stack([resize_mask(mask, size)
                     for mask in sample.pred_sem_seg.cpu().numpy()])


def _scores(sample: AVSDataSample) -> np.ndarray | None:
    scores = sample.get('seg_logits')
    return None if scores is None else scores.float().cpu().numpy()


def clip_sample(name: str, size: tuple[int, int],
                window: Window) -> AVSDataSample:
    """A window as a data sample."""
    sample = AVSDataSample(
        metainfo=dict(clip_id=name, ori_shape=size, times=window.times),
        pred_sem_seg=torch.from_numpy(window.masks),
        valid=torch.ones(len(window.masks), dtype=torch.bool))
    if window.scores is not None:
        sample.seg_logits = torch.from_numpy(window.scores)
    return sample
