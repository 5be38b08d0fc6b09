# Copyright (c) OpenMMLab. All rights reserved.
"""How memory grows with seconds, pixels and clips, and time with processes.

Memory is what a training step keeps for the backward pass: counted tensor by
tensor on the meta device, where nothing is computed, so that any size can be
measured anywhere. ``python benchmarks/bench_scaling.py`` draws it.
"""

import sys
import time
from pathlib import Path
from unittest.mock import patch

import torch
import torch.multiprocessing as mp
import torch.nn.functional as F
from common import Row, build_model, make_batch, summary, training_step
from torch.autograd.graph import saved_tensors_hooks

CONFIG = 'selm/selm_pvt_ms3.py'
SIZES = (224, 320, 448, 640)
SECONDS = (2, 5, 10, 20)
CLIPS = (1, 2, 4)
PROCESSES = (1, 2)


def flash_attention(query: torch.Tensor, key: torch.Tensor,
                    value: torch.Tensor, *args, **kwargs) -> torch.Tensor:
    """What attention is on real devices; the meta device keeps its maps."""
    del args, kwargs
    return torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
        query, key, value)[0]


def kept_bytes(size: int, *, clips: int = 1, seconds: int = 5) -> int:
    """Bytes kept for the backward pass, parameters aside."""
    with torch.device('meta'):
        model = build_model(CONFIG).train()
        inputs, _ = make_batch(2, clips=1, seconds=1)
        inputs = dict(
            frames=torch.empty(clips, seconds, 3, size, size),
            valid=torch.ones(clips, seconds, dtype=torch.bool),
            audio_embedding=torch.empty(clips, seconds, 1, 128))
    own = {id(p) for p in model.parameters()}
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(x: torch.Tensor) -> torch.Tensor:
        if id(x) not in own and x.device.type == 'meta':
            storage = x.untyped_storage()
            kept[storage._cdata] = storage
        return x

    with saved_tensors_hooks(keep, lambda x: x), patch.object(
            F, 'scaled_dot_product_attention', flash_attention):
        outputs = model(inputs)
    del outputs
    return sum(storage.nbytes() for storage in kept.values())


def measure(quick: bool) -> dict[str, list[tuple[int, float]]]:
    """GiB by pixels (of a frame), seconds and clips."""
    gib, step = 2**30, 2 if quick else 1  # every second one
    return {
        'pixels of a frame': [
            (size**2, kept_bytes(size) / gib) for size in SIZES[::step]],
        'seconds': [
            (t, kept_bytes(224, seconds=t) / gib) for t in SECONDS[::step]],
        'clips': [(b, kept_bytes(224, clips=b) / gib) for b in CLIPS[::step]],
    }


def run(quick: bool) -> list[Row]:
    rows = []
    for name, points in measure(quick).items():
        (first, low), (last, high) = points[0], points[-1]
        # at most as many times the memory as there is more of it
        rows.append(Row(
            f'memory kept by a step, {last / first:.3g} times the {name}',
            'GiB', last / first * low, high, 1, note='plain: '
            f'{last / first:.3g} times the {low:.3g} GiB at the beginning'))
    return rows + [processes(3 if quick else 9)]


def processes(repeats: int) -> Row:
    """The same steps in one process, and in two side by side."""
    (one, spread_one), (two, spread_two) = (
        _steps(count, repeats) for count in PROCESSES)
    return Row('selm_tiny_synthetic, time of a step and clip, 2 processes',
               'ms', one, two / 2, plain_spread=spread_one,
               ours_spread=spread_two / 2,
               note='plain: 1 process; one thread each')


def _steps(count: int, repeats: int) -> tuple[float, float]:
    with mp.get_context('spawn').Pool(count) as pool:
        results = pool.starmap(_train, [(repeats,)] * count)
    return max(summary(samples) for samples in results)


def _train(repeats: int) -> list[float]:
    torch.set_num_threads(1)
    model = build_model('selm/selm_tiny_synthetic.py').train()
    step = training_step(model, make_batch(96, mask_size=96))
    step()
    samples = []
    for _ in range(repeats):
        start = time.perf_counter()
        step()
        samples.append((time.perf_counter() - start) * 1e3)
    return samples


def draw(path: Path) -> None:
    import matplotlib
    matplotlib.use('Agg')
    import matplotlib.pyplot as plt
    figure, axes = plt.subplots(1, 3, figsize=(9, 2.8), sharey=False)
    for axis, (name, points) in zip(axes, measure(False).items()):
        x, y = zip(*points)
        axis.plot(x, y, 'o-')
        axis.set(xlabel=name, ylabel='GiB', xlim=(0, None), ylim=(0, None))
        axis.ticklabel_format(axis='x', scilimits=(-3, 4))
        axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=120)


if __name__ == '__main__':
    draw(Path(sys.argv[1] if len(sys.argv) > 1 else 'memory.png'))
