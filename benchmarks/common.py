# Copyright (c) OpenMMLab. All rights reserved.
"""What the benchmarks share: fair timing, rows of the table, models."""

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from torch import nn

from mmavs.registry import MODELS
from mmavs.structures import AVSDataSample

REPO = Path(__file__).resolve().parents[1]
# time.process_time where others use the machine, with one thread
clock = time.perf_counter
# seconds until the waiting threads of the other function (BLAS, OpenMP) have
# stopped spinning
_SETTLE = 0.1


@dataclass
class Row:
    """One line of the table.

    ``plain`` and ``ours`` are medians, with half the range between the
    quartiles; the reached ratio is plain / ours. ``target`` None: for
    information.
    """

    name: str
    unit: str
    plain: float | None
    ours: float | None
    target: float | None = None
    plain_spread: float = 0.
    ours_spread: float = 0.
    note: str = ''

    @property
    def ratio(self) -> float | None:
        if not self.plain or not self.ours:
            return None
        return self.plain / self.ours

    @property
    def missed(self) -> bool:
        return self.target is not None and (
            self.ratio is None or self.ratio < self.target)


def race(name: str, plain: Callable, ours: Callable, *,
         target: float | None = None, repeats: int = 5,
         note: str = '') -> Row:
    """Time two functions in turns, so that both see the same machine.

    The faster one runs several times per sample, until a sample takes about
    as long as one of the other: what disturbs a machine now and then then
    disturbs both alike.
    """
    once = []
    for function in (plain, ours):
        function()  # warm up
        once.append(_time(function, 1))
    counts = [min(200, max(1, round(max(once) / t))) for t in once]
    samples: list[list[float]] = [[], []]
    gc.disable()
    for _ in range(repeats):
        for part, function, count in zip(samples, (plain, ours), counts):
            time.sleep(_SETTLE)
            part.append(_time(function, count) * 1e3)
    gc.enable()
    (a, spread_a), (b, spread_b) = map(summary, samples)
    return Row(name, 'ms', a, b, target, spread_a, spread_b, note)


def _time(function: Callable, count: int) -> float:
    start = clock()
    for _ in range(count):
        function()
    return max(clock() - start, 1e-9) / count


def summary(samples: Sequence[float]) -> tuple[float, float]:
    """Median, and half the range between the quartiles."""
    if len(samples) < 2:
        return samples[0], 0.
    low, _, high = statistics.quantiles(samples, n=4, method='inclusive')
    return statistics.median(samples), (high - low) / 2


def build_model(config: str, **changes) -> nn.Module:
    """The model of a shipped config with random weights.

    Args:
        config (str): Path below ``configs``.
        **changes: Dotted paths below ``model``, with ``__`` for dots.
    """
    init_default_scope('mmavs')
    if not MMLogger.check_instance_created('mmengine'):
        MMLogger.get_instance('mmengine', log_level='WARNING')
    cfg = Config.fromfile(REPO / 'configs' / config)
    cfg.merge_from_dict({'model.' + key.replace('__', '.'): value
                         for key, value in changes.items()})
    cfg.model.backbone.init_cfg = None
    if cfg.model.audio_encoder.get('init_cfg'):
        cfg.model.audio_encoder.update(init_cfg=None, allow_random=True)
    torch.manual_seed(0)
    return MODELS.build(cfg.model)


def make_batch(size: int, *, clips: int = 1, seconds: int = 5,
               mask_size: int = 224, num_classes: int = 1
               ) -> tuple[dict, list[AVSDataSample]]:
    """Random inputs and labels."""
    gen = torch.Generator().manual_seed(0)
    inputs = dict(
        frames=torch.randn(clips, seconds, 3, size, size, generator=gen),
        valid=torch.ones(clips, seconds, dtype=torch.bool),
        log_mel=torch.randn(clips, seconds, 1, 1, 96, 64, generator=gen))
    samples = []
    for _ in range(clips):
        sample = AVSDataSample(metainfo=dict(
            mask_shape=(mask_size, mask_size)))
        sample.gt_sem_seg = torch.randint(
            0, max(2, num_classes), (seconds, mask_size, mask_size),
            generator=gen).byte()
        samples.append(sample)
    return inputs, samples


def training_step(model: nn.Module, batch: tuple) -> Callable[[], None]:
    """A function that does one step with AdamW."""
    optimizer = torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad], lr=2e-5)

    def step() -> None:
        loss = sum(model(*batch, mode='loss').values())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def format_table(rows: Sequence[Row]) -> str:
    """A Markdown table."""
    def number(value: float | None, spread: float) -> str:
        if value is None:
            return '-'
        text = f'{value:.3g}' if value < 1000 else f'{value:.0f}'
        return text + (f' ± {spread:.2g}' if spread else '')

    lines = ['| what | unit | plain | ours | ratio | target | |',
             '| --- | --- | --- | --- | --- | --- | --- |']
    for row in rows:
        ratio = '-' if row.ratio is None else f'{row.ratio:.2f}'
        target = '' if row.target is None else f'{row.target:g}'
        note = ('**missed** ' if row.missed else '') + row.note
        lines.append(
            f'| {row.name} | {row.unit} '
            f'| {number(row.plain, row.plain_spread)} '
            f'| {number(row.ours, row.ours_spread)} | {ratio} | {target} '
            f'| {note} |')
    return '\n'.join(lines)
