# Copyright (c) OpenMMLab. All rights reserved.
"""Predictions of clips, put back into the order of time."""

import numpy as np
import torch

from mmavs.structures import AVSDataSample
from mmavs.visualization.overlay import resize_mask

from .windows import Clip, Window, mask_time


def join_passes(passes: list[tuple[Clip, dict, AVSDataSample]],
          size: tuple[int, int], fps: int) -> Window:
    """The passes of a window, mask by mask in the order of time."""
    rows = []  # (index, frame, mask, scores, log_mel)
    for clip, inputs, sample in passes:
        masks = sample.pred_sem_seg.cpu().numpy()
        scores = sample.get('seg_logits')
        scores = None if scores is None else scores.float().cpu().numpy()
        log_mel = inputs.get('log_mel')
        for place, index in enumerate(clip.indices):
            rows.append((
                index, clip.frames[place],
                resize_mask(masks[place], size),
                None if scores is None else scores[place],
                None if log_mel is None else np.asarray(log_mel[place])))
    rows.sort(key=lambda row: row[0])
    indices, frames, masks, scores, log_mel = zip(*rows)
    return Window(
        start=indices[0], times=[mask_time(i, fps) for i in indices],
        frames=list(frames), masks=np.stack(masks),
        scores=None if scores[0] is None else np.stack(scores),
        log_mel=None if log_mel[0] is None else np.stack(log_mel),
        waveform=passes[-1][0].window_sound)


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
