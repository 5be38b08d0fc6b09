# Copyright (c) OpenMMLab. All rights reserved.
"""J and F of binary masks (AVSBench S4 and MS3)."""

import os
from typing import NamedTuple

import numpy as np
import torch

from mmavs.evaluation import functional as F
from mmavs.evaluation.tables import report_table
from mmavs.registry import METRICS

from .clip_metric import ClipMetric, clip_name


class BinaryRecord(NamedTuple):
    """What is kept of one clip, about 1.2 KB."""

    sample_idx: int
    clip_id: str
    num_frames: int
    num_nonempty: int  # frames with ground truth
    iou_sum: float  # official rule for frames without ground truth
    iou_sum_nonempty: float
    inter: int  # pixels, summed over frames
    union: int
    background_inter: int
    background_union: int
    # Sum of the F curves over frames with ground truth: 255 float32.
    curve_sum: bytes


@METRICS.register_module()
class AVSBinaryMetric(ClipMetric):
    """J (IoU) and F of binary masks, by named protocols.

    Protocol ``avsbench`` gives the official numbers of AVSBench's S4 and MS3
    evaluation:

    - ``avsbench/J``: mean IoU over all frames. A frame without ground truth
      scores its background accuracy.
    - ``avsbench/F``: F (beta^2 = 0.3) with the best of 255 thresholds for
      each group of ``clips_per_group`` consecutive clips. It depends on the
      group size: quote it with the number.
    - ``avsbench/J_nonempty``: mean IoU over the frames with ground truth.

    Protocol ``dataset`` depends on no grouping:

    - ``dataset/J``: foreground IoU of the summed areas of all frames;
    - ``dataset/mIoU``: the mean of that and the background's;
    - ``dataset/F``: one threshold for the whole data set;
    - ``dataset/F_per_clip``: each clip's own best threshold, averaged over
      the clips that have ground truth.

    All values are fractions in 0..1. Samples need ``seg_logits`` (T, 1, H,
    W), log-odds, and ``gt_sem_seg`` (T, H, W), non-zero is foreground.

    Args:
        clips_per_group (int): Clips per test batch of the official code: 4
            in AVSBench, 2 in SelM and AVSegFormer, 1 in CATR. Defaults to 4.
        per_clip (bool | str, optional): True logs a table of all clips, a
            path writes it as CSV too. Defaults to None.
        protocol (str | Sequence[str]): See :class:`ClipMetric`. Defaults to
            ('avsbench', 'dataset').
        frames (str): See :class:`ClipMetric`. Defaults to 'all'.
        collect_device (str): See MMEngine. Defaults to 'cpu'.
        prefix (str, optional): See :class:`ClipMetric`. Defaults to None.
        collect_dir (str, optional): See MMEngine. Defaults to None.
    """

    record = BinaryRecord

    def __init__(self, *, clips_per_group: int = 4,
                 per_clip: bool | str | os.PathLike | None = None,
                 protocol=('avsbench', 'dataset'), frames: str = 'all',
                 collect_device: str = 'cpu', prefix: str | None = None,
                 collect_dir: str | None = None) -> None:
        super().__init__(protocol=protocol, frames=frames,
                         collect_device=collect_device, prefix=prefix,
                         collect_dir=collect_dir)
        if clips_per_group < 1:
            raise ValueError('clips_per_group must be at least 1, got '
                             f'{clips_per_group}')
        self.clips_per_group = clips_per_group
        self.per_clip = per_clip

    def measure(self, sample: dict) -> BinaryRecord:
        """One clip to its sums."""
        logits = self.field(sample, 'seg_logits')
        if logits.dim() != 4 or logits.shape[1] != 1:
            raise ValueError(
                f'clip {clip_name(sample)!r}: AVSBinaryMetric needs '
                f'seg_logits (T, 1, H, W), got {tuple(logits.shape)}; use '
                'AVSSemanticMetric for several classes')
        keep = self.chosen(sample).to(logits.device)
        target = sample['gt_sem_seg'].to(logits.device) != 0
        if logits.shape[2:] != target.shape[1:] or len(logits) != len(target):
            raise ValueError(
                f'clip {clip_name(sample)!r}: seg_logits '
                f'{tuple(logits.shape)} and gt_sem_seg '
                f'{tuple(target.shape)} differ in size')
        logits, target = logits[keep, 0], target[keep]
        pred = logits > 0
        iou = F.frame_iou(pred, target)
        nonempty = F.nonempty_frames(target)
        inter, union = F.frame_areas(pred, target)
        inter, union = int(inter.sum()), int(union.sum())
        # Of the background: correct = all - union, union = all - inter.
        pixels = target.numel()
        curve = F.f_curves(logits[nonempty], target[nonempty]).sum(dim=0)
        return BinaryRecord(
            sample_idx=int(sample['sample_idx']), clip_id=clip_name(sample),
            num_frames=len(target), num_nonempty=int(nonempty.sum()),
            iou_sum=float(iou.sum()),
            iou_sum_nonempty=float(iou[nonempty].sum()),
            inter=inter, union=union,
            background_inter=pixels - union, background_union=pixels - inter,
            curve_sum=curve.float().cpu().numpy().tobytes())

    def summarise(self, records: list[BinaryRecord]) -> dict[str, float]:
        """Records of all clips, in order, to the results."""
        curves = torch.from_numpy(np.frombuffer(
            b''.join(r.curve_sum for r in records),
            dtype=np.float32).reshape(-1, F.NUM_THRESHOLDS).copy()).double()
        counts = torch.tensor([r.num_nonempty for r in records],
                              dtype=torch.long)
        frames = sum(r.num_frames for r in records)
        nonempty = int(counts.sum())
        results = {}
        if 'avsbench' in self.protocol:
            results['avsbench/J'] = _ratio(
                sum(r.iou_sum for r in records), frames)
            results['avsbench/F'] = F.grouped_f(
                curves, counts, self.clips_per_group)
            results['avsbench/J_nonempty'] = _ratio(
                sum(r.iou_sum_nonempty for r in records), nonempty)
        if 'dataset' in self.protocol:
            foreground = _ratio(sum(r.inter for r in records),
                                sum(r.union for r in records))
            background = _ratio(sum(r.background_inter for r in records),
                                sum(r.background_union for r in records))
            results['dataset/J'] = foreground
            results['dataset/mIoU'] = (foreground + background) / 2
            results['dataset/F'] = F.pooled_f(curves, counts)
            results['dataset/F_per_clip'] = F.mean_clip_f(curves, counts)
        report_table(
            'Scores of each clip',
            ('sample_idx', 'clip_id', 'frames', 'frames_with_gt', 'J',
             'J_nonempty', 'F', 'IoU'),
            [(r.sample_idx, r.clip_id, r.num_frames, r.num_nonempty,
              _ratio(r.iou_sum, r.num_frames),
              _ratio(r.iou_sum_nonempty, r.num_nonempty),
              float(F.f_of_curve(curve, count)) if r.num_nonempty else None,
              _ratio(r.inter, r.union))
             for r, curve, count in zip(records, curves, counts)],
            self.per_clip)
        return results


def _ratio(numerator: float, denominator: float) -> float:
    """Quotient; NaN where there was nothing to judge."""
    return numerator / denominator if denominator else float('nan')
