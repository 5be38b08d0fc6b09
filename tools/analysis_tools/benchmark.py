# Copyright (c) OpenMMLab. All rights reserved.
"""Measure the speed and memory of a config's prediction or data loader.

predict feeds clips of noise, so it needs no data set; without --checkpoint
the weights are random, which changes no time. data reads the real data set.
Every measurement is repeated; medians are printed, with the fastest and the
slowest repeat behind them.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from pathlib import Path
from types import SimpleNamespace

import torch
from mmengine.config import Config, DictAction
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmavs.apis import init_model
from mmavs.io import atomic_write
from mmavs.utils.command_line import run_program
from mmavs.utils.config import load_config, merge_options
from mmavs.utils.example_inputs import example_batch
from mmavs.utils.memory import peak_memory
from mmavs.utils.workers import stop_workers
from mmavs.version import __version__


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    tasks = parser.add_subparsers(dest='task', required=True, metavar='TASK')
    predict = tasks.add_parser(
        'predict', help='time and memory of predictions',
        description='Measure predictions: preprocessing, network, masks.')
    predict.add_argument('config', help='config file')
    predict.add_argument('--checkpoint', metavar='FILE',
                         help='weights; default: random ones')
    predict.add_argument('--batch-size', type=int, default=1, metavar='B',
                         help='clips predicted at once; default: 1')
    predict.add_argument('--shape', type=int, nargs='+', metavar='SIDE',
                         help='height and width of the frames (one number: '
                         'both); default: what the test pipeline makes')
    predict.add_argument('--seconds', type=int, metavar='T',
                         help='seconds of a clip; default: '
                         'data_preprocessor.pad_to, else 5')
    predict.add_argument('--device', help='e.g. cpu or cuda:0; default: a '
                         'GPU if there is one')
    data = tasks.add_parser(
        'data', help='time of loading batches',
        description='Measure a data loader: reading, transforms, collating.')
    data.add_argument('config', help='config file')
    data.add_argument('--split', default='train',
                      choices=('train', 'val', 'test'),
                      help='whose data loader; default: train')
    for task, number in ((predict, 20), (data, 50)):
        task.add_argument('--num', type=int, default=number, metavar='N',
                          help='batches of a repeat; default: %(default)s')
        task.add_argument('--warmup', type=int, default=3, metavar='N',
                          help='batches before, not counted; default: 3')
        task.add_argument('--repeat', type=int, default=3, metavar='N',
                          help='repeats; default: 3')
        task.add_argument('--out', metavar='FILE.json',
                          help='also write the numbers to this file')
        task.add_argument('--cfg-options', nargs='+', action=DictAction,
                          metavar='KEY=VALUE', help='change config values')
    args = parser.parse_args()
    for name in ('num', 'repeat', 'batch_size'):
        if getattr(args, name, 1) < 1:
            parser.error(f'--{name.replace("_", "-")} must be at least 1')
    return args


def measure(step: Callable[[], None], args: argparse.Namespace
            ) -> list[list[float]]:
    """Seconds of each step, a list per repeat."""
    for _ in range(args.warmup):
        step()
    times = []
    for _ in range(args.repeat):
        times.append([])
        for _ in range(args.num):
            start = time.perf_counter()
            step()
            times[-1].append(time.perf_counter() - start)
    return times


def summarise(times: list[list[float]], clips: int, centre: Callable
              ) -> dict[str, float]:
    """Reduce each repeat by ``centre``, and the repeats by their median."""
    repeats = [centre(values) for values in times]
    seconds = statistics.median(repeats)
    return dict(ms_per_batch=1e3 * seconds,
                fastest_ms=1e3 * min(repeats), slowest_ms=1e3 * max(repeats),
                clips_per_second=clips / seconds)


def predict(cfg: Config, args: argparse.Namespace) -> dict:
    """Measure predictions."""
    device = torch.device(args.device or (
        'cuda' if torch.cuda.is_available() else 'cpu'))
    options = {}
    if args.checkpoint is None and cfg.model.get('audio_encoder'):
        # its weights are a public file that no time depends on
        options = {'model.audio_encoder.init_cfg': None,
                   'model.audio_encoder.allow_random': True}
    before = peak_memory()
    model = init_model(cfg, args.checkpoint, device, options)
    batch = example_batch(cfg, args.batch_size, shape=args.shape,
                          seconds=args.seconds)
    frames = tuple(batch['inputs']['frames'][0].shape)
    on_gpu = device.type == 'cuda'

    @torch.no_grad()
    def step() -> None:
        model.test_step(dict(
            inputs=dict(batch['inputs']),
            data_samples=[s.clone() for s in batch['data_samples']]))
        if on_gpu:
            torch.cuda.synchronize(device)

    if on_gpu:
        torch.cuda.reset_peak_memory_stats(device)
    times = measure(step, args)
    result = summarise(times, args.batch_size, statistics.median)
    result['frames_per_second'] = result['clips_per_second'] * frames[0]
    if on_gpu:
        result['peak_gpu_mb'] = torch.cuda.max_memory_allocated(device) / 2**20
    else:
        result['peak_host_mb'] = peak_memory() / 2**20
        result['host_mb_before'] = before / 2**20
    return dict(device=str(device), threads=torch.get_num_threads(),
                batch_size=args.batch_size, frames=frames, **result)


def batches(loader) -> Iterator[dict]:
    """Batches without end, epoch after epoch."""
    return chain.from_iterable(repeat(loader))


def load_data(cfg: Config, args: argparse.Namespace) -> dict:
    """Measure a data loader."""
    settings = cfg.get(f'{args.split}_dataloader')
    if settings is None:
        raise ValueError(f'{cfg.filename} has no {args.split}_dataloader')
    init_default_scope(cfg.get('default_scope') or 'mmavs')
    # whole batches only, so that all count the same
    loader = Runner.build_dataloader(dict(settings, drop_last=True), seed=0)
    clips = settings.batch_size
    if len(loader.dataset) < clips:
        raise ValueError(
            f'the {args.split} split has {len(loader.dataset)} clips, a batch '
            f'{clips}; set {args.split}_dataloader.batch_size with '
            '--cfg-options')
    try:
        endless = batches(loader)
        start = time.perf_counter()
        next(endless)
        first = time.perf_counter() - start
        # the mean: what waits in a queue makes single batches seem quick
        result = summarise(measure(lambda: next(endless), args), clips,
                           statistics.mean)
    finally:
        stop_workers(SimpleNamespace(dataloader=loader))
    return dict(split=args.split, workers=loader.num_workers,
                batch_size=clips, first_batch_ms=1e3 * first, **result)


def table(result: dict) -> str:
    """Numbers as aligned lines."""
    return '\n'.join(
        f'  {name:<18}{f"{value:.1f}" if isinstance(value, float) else value}'
        for name, value in result.items())


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config)
    merge_options(cfg, args.cfg_options)
    result = (predict if args.task == 'predict' else load_data)(cfg, args)
    print(f'{args.config}, {args.task}: median of {args.repeat} repeats of '
          f'{args.num} batches\n{table(result)}')
    if args.out:
        with atomic_write(Path(args.out), mode='w') as file:
            json.dump(dict(config=args.config, task=args.task, num=args.num,
                           repeat=args.repeat, torch=torch.__version__,
                           mmavs=__version__, **result), file, indent=2)


if __name__ == '__main__':
    run_program(main)
