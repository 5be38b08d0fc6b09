# Copyright (c) OpenMMLab. All rights reserved.
"""Whole models: forward, training step, peak memory."""

import re
import subprocess
import sys

import torch
from common import (
    REPO,
    Row,
    build_model,
    make_batch,
    race,
    training_step,
)
from plain import plain_composition

FULL = ('selm/selm_r50_s4.py', 'selm/selm_r50_ms3.py',
        'selm/selm_pvt_s4.py', 'selm/selm_pvt_ms3.py')


def run(quick: bool) -> list[Row]:
    return [forward('selm/selm_pvt_ms3.py', 448, 1 if quick else 5),
            *training_steps(quick), memory(quick)]


def forward(config: str, size: int, seconds: int) -> Row:
    model = build_model(config).eval()
    inputs, _ = make_batch(size, seconds=seconds)

    @torch.no_grad()
    def ours() -> torch.Tensor:
        return model(inputs)['logits']

    def plain() -> torch.Tensor:
        with plain_composition():
            return ours()

    expected = plain()
    error = (ours() - expected).abs().max() / expected.abs().max()
    name = config.split('/')[-1][:-3]
    return race(f'{name}, forward at {size}, T = {seconds}, float32', plain,
                ours, target=1.3, repeats=3,
                note=f'relative difference {error:.1g}')


def training_steps(quick: bool) -> list[Row]:
    if quick:
        return [_step('selm/selm_tiny_synthetic.py', 96, 96, 3)]
    sizes = {'selm/selm_r50_s4.py': 224}
    return [_step('selm/selm_tiny_synthetic.py', 96, 96, 5)] + [
        _step(config, sizes.get(config, 448), 224, 2) for config in FULL]


def _step(config: str, size: int, mask_size: int, repeats: int) -> Row:
    model = build_model(config, decode_head__with_cp=size > 224,
                        backbone__with_cp=size > 224).train()
    step = training_step(model, make_batch(size, mask_size=mask_size))

    def plain() -> None:
        with plain_composition():
            step()

    name = config.split('/')[-1][:-3]
    return race(f'{name}, training step at {size}, batch 1', plain, step,
                repeats=repeats, note='both run backbone and decoder again in '
                'the backward pass' if size > 224 else '')


def memory(quick: bool) -> Row:
    """Peak of the process, each way in a process of its own."""
    size = 224 if quick else 448
    plain, ours = (_peak(size, with_cp) for with_cp in (False, True))
    if quick:  # at 224 the weights hide what the step adds
        return Row(f'selm_pvt_ms3, peak memory a training step adds, {size}, '
                   'batch 1', 'GiB', plain[1], ours[1], 2,
                   note='plain: no checkpointing; above libraries, weights, '
                   'gradients and AdamW')
    return Row(f'selm_pvt_ms3, peak memory of training at {size}, batch 1',
               'GiB', plain[0], ours[0], 2, note='plain: no checkpointing')


def _peak(size: int, with_cp: bool) -> tuple[float, float]:
    done = subprocess.run(
        [sys.executable, str(REPO / 'benchmarks' / 'peak_memory.py'),
         str(size), str(int(with_cp))], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(
            'benchmarks/peak_memory.py ended without a result (a kernel that '
            'is out of memory kills it): ' + done.stderr[-500:])
    peak, added = re.findall(r'[\d.]+', done.stdout.splitlines()[-1])
    return float(peak), float(added)
