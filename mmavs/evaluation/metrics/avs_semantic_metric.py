# Copyright (c) OpenMMLab. All rights reserved.
"""J and F of class maps (AVSBench-semantic)."""

import os
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mmavs.evaluation import functional as F
from mmavs.evaluation.tables import report_table
from mmavs.registry import METRICS

from .clip_metric import ClipMetric, clip_name

AVSS_CLASSES = 71
AVSS_SECONDS = 10


class SemanticRecord(NamedTuple):
    """What is kept of one clip: rows only for classes that occur.

    At most 2 KB, with 71 classes in every frame; usually about 200 bytes.
    """

    sample_idx: int
    clip_id: str
    num_frames: int
    num_nonempty: int  # frames with a class other than background
    background: tuple  # IoU and F sums of class 0 over those frames
    rows: bytes  # a packed array of `row_dtype`


def row_dtype(num_frames: int) -> np.dtype:
    """Layout of a record's rows: 27 bytes a class for clips below 256 s."""
    count = np.uint8 if num_frames < 256 else np.uint32
    return np.dtype([
        ('cls', np.uint8), ('count', count), ('count_nonempty', count),
        ('iou', np.float64), ('f', np.float64),
        ('inter', np.uint32), ('union', np.uint32)])


@METRICS.register_module()
class AVSSemanticMetric(ClipMetric):
    """J and F of class maps, by named protocols.

    Protocol ``avsbench`` gives the official numbers of AVSBench-semantic:
    per frame and class, averaged over the frames in which the class occurs
    in the prediction or the ground truth, then over *all* classes (one that
    never occurs counts 0):

    - ``avsbench/J``, ``avsbench/F``: the official headline, with background;
    - ``avsbench/J_no_background``, ``avsbench/F_no_background``: the
      official numbers of that name, which drop the last class (woman), not
      the background;
    - ``avsbench/J_without_class0``, ``avsbench/F_without_class0``: without
      the background;
    - ``avsbench/J_nonempty``: as J, over the frames whose ground truth has
      any class but background (padding left out).

    The official evaluation pads clips to 10 s; a padded second counts as a
    frame of correct background (``pad_to``).

    Protocol ``dataset`` gives ``dataset/J``, the mean over the classes that
    occur of the IoU of areas summed over the data set, and
    ``dataset/J_without_class0``.

    All values are fractions in 0..1. Samples need ``pred_sem_seg`` and
    ``gt_sem_seg``, (T, H, W) class indices.

    Args:
        num_classes (int, optional): Classes including background. Defaults
            to None: the data set's ``classes``, else 71.
        pad_to (int, optional): Seconds to which the official protocol pads;
            None pads nothing. Defaults to 10.
        per_class (bool | str, optional): True logs a table of all classes,
            a path writes it as CSV too. Defaults to None.
        per_clip (bool | str, optional): The same for clips; its J is the
            mean over the classes that occur in the clip. Defaults to None.
        protocol (str | Sequence[str]): See :class:`ClipMetric`. Defaults to
            ('avsbench', 'dataset').
        frames (str): See :class:`ClipMetric`. Defaults to 'all'.
        collect_device (str): See MMEngine. Defaults to 'cpu'.
        prefix (str, optional): See :class:`ClipMetric`. Defaults to None.
        collect_dir (str, optional): See MMEngine. Defaults to None.
    """

    record = SemanticRecord

    def __init__(self, *, num_classes: int | None = None,
                 pad_to: int | None = AVSS_SECONDS,
                 per_class: bool | str | os.PathLike | None = None,
                 per_clip: bool | str | os.PathLike | None = None,
                 protocol=('avsbench', 'dataset'), frames: str = 'all',
                 collect_device: str = 'cpu', prefix: str | None = None,
                 collect_dir: str | None = None) -> None:
        super().__init__(protocol=protocol, frames=frames,
                         collect_device=collect_device, prefix=prefix,
                         collect_dir=collect_dir)
        if num_classes is not None and not 2 <= num_classes <= 256:
            raise ValueError('num_classes must be between 2 and 256 '
                             f'(background included), got {num_classes}')
        self._num_classes = num_classes
        self.pad_to = pad_to
        self.per_class = per_class
        self.per_clip = per_clip

    @property
    def num_classes(self) -> int:
        """Number of classes, background included."""
        if self._num_classes is not None:
            return self._num_classes
        classes = (self.dataset_meta or {}).get('classes')
        return len(classes) if classes else AVSS_CLASSES

    def measure(self, sample: dict) -> SemanticRecord:
        """One clip to its sums per class."""
        pred = self.field(sample, 'pred_sem_seg')
        target = self.field(sample, 'gt_sem_seg').to(pred.device)
        keep = self.chosen(sample).to(pred.device)
        try:
            areas = F.class_areas(pred[keep], target[keep], self.num_classes)
        except (ValueError, IndexError) as error:
            raise ValueError(f'clip {clip_name(sample)!r}: {error}') from error
        # From here on it is (T, K) numbers.
        inter, pred_area, target_area = (area.cpu() for area in areas)
        scores = F.frame_class_scores(inter, pred_area, target_area)
        nonempty = (target_area[:, 1:] > 0).any(dim=1)
        counts = scores.present.sum(dim=0)
        seen = torch.nonzero(counts).flatten()
        rows = np.empty(len(seen), dtype=row_dtype(len(inter)))
        for name, values in (
                ('cls', torch.arange(self.num_classes)), ('count', counts),
                ('count_nonempty', scores.present[nonempty].sum(dim=0)),
                ('iou', scores.iou.sum(dim=0)), ('f', scores.f.sum(dim=0)),
                ('inter', inter.sum(dim=0)),
                ('union', (pred_area + target_area - inter).sum(dim=0))):
            rows[name] = values[seen].numpy()
        return SemanticRecord(
            sample_idx=int(sample['sample_idx']), clip_id=clip_name(sample),
            num_frames=len(inter), num_nonempty=int(nonempty.sum()),
            background=(float(scores.iou[nonempty, 0].sum()),
                        float(scores.f[nonempty, 0].sum())),
            rows=rows.tobytes())

    def summarise(self, records: list[SemanticRecord]) -> dict[str, float]:
        """Records of all clips, in order, to the results."""
        sums = {name: torch.zeros(self.num_classes, dtype=dtype)
                for name, dtype in (
                    ('count', torch.int64), ('count_nonempty', torch.int64),
                    ('iou', torch.float64), ('f', torch.float64),
                    ('inter', torch.int64), ('union', torch.int64))}
        for record in records:
            rows = _rows(record)
            index = torch.from_numpy(rows['cls'].astype(np.int64))
            for name, total in sums.items():
                total[index] += torch.from_numpy(
                    rows[name].astype(np.float64)).to(total.dtype)
        results = {}
        table = {}
        if 'avsbench' in self.protocol:
            results.update(self._official(records, sums, table))
        if 'dataset' in self.protocol:
            table['IoU'] = F.confusion_iou(sums['inter'], sums['union'])
            results['dataset/J'] = float(table['IoU'].nanmean())
            results['dataset/J_without_class0'] = float(
                table['IoU'][1:].nanmean())
        self._report(records, sums, table)
        return results

    def _official(self, records: list[SemanticRecord],
                  sums: dict[str, Tensor],
                  table: dict[str, Tensor]) -> dict[str, float]:
        """The official numbers; adds its per-class scores to ``table``."""
        iou, f, count = (sums[key].clone() for key in ('iou', 'f', 'count'))
        # Padded seconds are frames of correct background (IoU = F = 1).
        padded = sum(max(0, (self.pad_to or 0) - r.num_frames)
                     for r in records)
        for total in (iou, f, count):
            total[0] += padded
        table['J'], table['F'] = F.class_means(iou, count), F.class_means(
            f, count)
        results = {}
        for name in 'JF':
            means = table[name]
            results[f'avsbench/{name}'] = F.mean_over_classes(means)
            results[f'avsbench/{name}_no_background'] = F.mean_without_last(
                means)
            results[f'avsbench/{name}_without_class0'] = (
                F.mean_without_background(means))
        # A frame without ground truth has IoU 0 in every class but the
        # background, so only the counts and class 0 change without it.
        iou = sums['iou'].clone()
        iou[0] = sum(r.background[0] for r in records)
        results['avsbench/J_nonempty'] = F.mean_over_classes(
            F.class_means(iou, sums['count_nonempty']))
        return results

    def _report(self, records: list[SemanticRecord], sums: dict[str, Tensor],
                table: dict[str, Tensor]) -> None:
        names = (self.dataset_meta or {}).get('classes')
        if names is None or len(names) != self.num_classes:
            names = [str(index) for index in range(self.num_classes)]
        report_table(
            'Scores of each class', ('class', 'name', 'frames', *table),
            [(index, names[index], int(sums['count'][index]),
              *(float(scores[index]) for scores in table.values()))
             for index in range(self.num_classes)], self.per_class)
        rows = []
        for record in records:
            seen = _rows(record)
            rows.append((
                record.sample_idx, record.clip_id, record.num_frames,
                record.num_nonempty,
                float((seen['iou'] / seen['count']).mean()),
                float((seen['f'] / seen['count']).mean()),
                ' '.join(names[index] for index in seen['cls'])))
        report_table(
            'Scores of each clip',
            ('sample_idx', 'clip_id', 'frames', 'frames_with_gt', 'J', 'F',
             'classes'), rows, self.per_clip)


def _rows(record: SemanticRecord) -> np.ndarray:
    return np.frombuffer(record.rows, dtype=row_dtype(record.num_frames))
