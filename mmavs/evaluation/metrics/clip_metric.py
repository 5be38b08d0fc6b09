# Copyright (c) OpenMMLab. All rights reserved.
"""What the metrics of mmavs share: clips by number, on any process count."""

import sys
from abc import abstractmethod
from collections.abc import Sequence

import torch
from mmengine.evaluator import BaseMetric
from torch import Tensor

PROTOCOLS = ('avsbench', 'dataset')
FRAMES = ('all', 'labelled')


class ClipMetric(BaseMetric):
    """Base class: one small record per clip, keyed by ``sample_idx``.

    A data loader on several processes repeats clips to give every process
    equally many. Records are therefore gathered whole, ordered by
    ``sample_idx`` and counted once, whatever the sampler did; the numbers do
    not depend on the number of processes.

    A subclass names its ``record`` (a NamedTuple whose first entry is
    ``sample_idx``; kept as a plain tuple, which is smaller) and implements
    ``measure`` (one clip to a record) and ``summarise`` (records to
    results).

    Args:
        protocol (str | Sequence[str]): Which of 'avsbench' (the official
            numbers) and 'dataset' (independent of batching) to report.
            Defaults to both.
        frames (str): 'all' evaluates every second of a clip, as the official
            evaluation does whatever the label flags say; 'labelled' only
            those with ``label_valid``, for splits without full labels such
            as S4's training split. Defaults to 'all'.
        collect_device (str): 'cpu' or 'gpu', see MMEngine. Defaults to
            'cpu'.
        prefix (str, optional): Put before the result names, which carry
            their protocol already. Defaults to None.
        collect_dir (str, optional): Folder shared by the processes, see
            MMEngine. Defaults to None.
    """

    # The names of the results carry their protocol; this keeps MMEngine from
    # warning that there is no other prefix.
    default_prefix = ''
    record: type[tuple]

    def __init__(self, *, protocol: str | Sequence[str] = PROTOCOLS,
                 frames: str = 'all', collect_device: str = 'cpu',
                 prefix: str | None = None,
                 collect_dir: str | None = None) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix,
                         collect_dir=collect_dir)
        self.protocol = ((protocol,) if isinstance(protocol, str)
                         else tuple(protocol))
        if not self.protocol or set(self.protocol) - set(PROTOCOLS):
            raise ValueError(f'protocol must be one or more of {PROTOCOLS}, '
                             f'got {protocol!r}')
        if frames not in FRAMES:
            raise ValueError(f'frames must be one of {FRAMES}, got '
                             f'{frames!r}')
        self.frames = frames

    def process(self, data_batch: dict,
                data_samples: Sequence[dict]) -> None:
        """Measure a batch of clips.

        Args:
            data_batch (dict): Unused.
            data_samples (Sequence[dict]): Predictions with labels, as
                dicts, each with ``sample_idx``.

        Raises:
            ValueError: If a sample lacks ``sample_idx`` or a field the
                metric needs.
        """
        del data_batch
        for sample in data_samples:
            if sample.get('sample_idx') is None:
                raise ValueError(
                    'a data sample has no sample_idx, which identifies the '
                    'clip; add it to meta_keys of PackAVSInputs')
            self.results.append(tuple(self.measure(sample)))

    @abstractmethod
    def measure(self, sample: dict) -> tuple:
        """One clip to a record of at most 2 KB, ``sample_idx`` first."""

    @abstractmethod
    def summarise(self, records: list) -> dict[str, float]:
        """Records, ordered and without repetition, to results."""

    def evaluate(self, size: int) -> dict:
        """Gather the records of all processes and summarise them.

        Args:
            size (int): Unused: MMEngine would cut the gathered list to this
                length, which drops real clips where a sampler repeats others
                in between.

        Returns:
            dict: Results by name, the same on every process.
        """
        del size
        return super().evaluate(sys.maxsize)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Order the records, drop repetitions, summarise."""
        unique = {record[0]: record for record in results}
        return self.summarise(
            [self.record(*unique[key]) for key in sorted(unique)])

    def chosen(self, sample: dict) -> Tensor:
        """Which seconds of a clip to evaluate, (T,) bool."""
        valid = self.field(sample, 'gt_sem_seg').new_ones(
            len(sample['gt_sem_seg']), dtype=torch.bool)
        keys = ('valid', 'label_valid') if self.frames == 'labelled' else (
            'valid', )
        for key in keys:
            if sample.get(key) is not None:
                valid &= sample[key].to(valid.device, torch.bool)
        return valid

    @staticmethod
    def field(sample: dict, key: str) -> Tensor:
        """A field of a data sample, or an error that says what to do."""
        value = sample.get(key)
        if value is None:
            hints = dict(
                gt_sem_seg='load the masks in the test pipeline '
                '(LoadClipMasks) and check the labels of this split',
                seg_logits='set model.test_cfg.with_scores=True',
                pred_sem_seg='the model must write its prediction there')
            raise ValueError(f'clip {clip_name(sample)!r} has no {key}: '
                             f'{hints[key]}')
        return value


def clip_name(sample: dict) -> str:
    """Name of a clip for tables and messages."""
    return str(sample.get('clip_id') or sample.get('sample_idx'))
