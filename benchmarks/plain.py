# Copyright (c) OpenMMLab. All rights reserved.
"""The straightforward computations that ours are measured against."""

from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mmavs.audio import mel_matrix
from mmavs.evaluation.functional import f_thresholds
from mmavs.models.decode_heads import clever_head
from mmavs.models.decode_heads.clever_layers import MaskHead
from mmavs.models.layers import mamba, selective_scan_reference
from mmavs.models.necks import bcsm


def f_curves(logits: Tensor, target: Tensor) -> Tensor:
    """F by a loop over the thresholds, (N, 255)."""
    scores, positive = logits.sigmoid(), target != 0
    curves = torch.zeros(len(scores), 255, dtype=torch.float64)
    for i in range(len(scores)):
        for k, threshold in enumerate(f_thresholds()):
            pred = scores[i] >= threshold
            hits = (pred & positive[i]).sum().double()
            precision = hits / (pred.sum() + 1e-20)
            recall = hits / (positive[i].sum() + 1e-20)
            f = 1.3 * precision * recall / (0.3 * precision + recall)
            curves[i, k] = f.nan_to_num(0.)
    return curves


def class_areas(pred: Tensor, target: Tensor, num_classes: int
                ) -> tuple[Tensor, ...]:
    """Areas by torch.histc, frame by frame."""
    def areas(x: Tensor) -> Tensor:
        return torch.histc(x.float(), num_classes, 0, num_classes - 1)

    rows = [(areas(p[p == t]), areas(p), areas(t))
            for p, t in zip(pred, target)]
    return tuple(torch.stack(column) for column in zip(*rows))


def log_mel(stereo: np.ndarray, rate: int) -> np.ndarray:
    """Resampy's kaiser_best and an STFT in NumPy."""
    import resampy
    sound = resampy.resample(stereo.mean(axis=0), rate, 16000,
                             filter='kaiser_best')
    frames = np.lib.stride_tricks.sliding_window_view(sound, 400)[::160]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    magnitude = np.abs(np.fft.rfft(frames * window, 512))
    return np.log(magnitude @ mel_matrix().numpy() + 0.01)


def paint(self: MaskHead, v: Tensor, target: Tensor) -> Tensor:
    """The mask head of CLEVER, layer after layer."""
    for conv, norm, act in self.upsample:
        v = F.interpolate(
            v, scale_factor=2, mode='bilinear', align_corners=False)
        v = act(norm(conv(v)))
    v = self.out(v)
    kernel, bias = self.kernel(target), 0
    if self.num_classes == 1:
        kernel, bias = kernel[:, :-1], kernel[:, -1:, None, None]
    kernel = kernel.unflatten(1, (self.num_classes, -1))
    return torch.einsum('mkc,mchw->mkhw', kernel, v) + bias


def scan(*args, backend: str = 'torch', **kwargs) -> Tensor:
    """The selective scan, step by step."""
    del backend
    return selective_scan_reference(*args, **kwargs)


@contextmanager
def plain_composition():
    """SelM as its modules one after the other, without our short cuts."""
    with ExitStack() as stack:
        for owner, name, value in (
                (MaskHead, 'forward', paint),
                (clever_head, '_channels_last', lambda x: x),
                (mamba, 'selective_scan', scan),
                (bcsm, 'run_stacked', bcsm.run_one_by_one)):
            stack.enter_context(patch.object(owner, name, value))
        yield
