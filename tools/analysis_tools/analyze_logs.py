# Copyright (c) OpenMMLab. All rights reserved.
"""Read the logs of trainings: draw curves, or say how long they took.

A LOG is a work dir, one of its time-stamped folders, or a scalars.json. A
work dir whose training was resumed counts as one run: where its logs overlap,
the newer one holds.
"""

import argparse
import json
import statistics
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from mmavs.io import atomic_write
from mmavs.utils.command_line import run_program

# Written beside the numbers of a step; no curves.
STEP_KEYS = ('epoch', 'iter', 'step')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    tasks = parser.add_subparsers(dest='task', required=True, metavar='TASK')
    curve = tasks.add_parser(
        'plot_curve', help='draw losses, metrics, rates over the training',
        description='Draw a panel per key with a line per run.')
    curve.add_argument('logs', nargs='+', metavar='LOG',
                       help='work dirs or scalars.json files')
    curve.add_argument('--keys', nargs='+', default=['loss'], metavar='KEY',
                       help='what to draw, e.g. loss lr avsbench/J; default: '
                       'loss')
    curve.add_argument('--legend', nargs='+', metavar='TEXT',
                       help='names of the runs; default: their folders')
    curve.add_argument('--title', help='title of the picture')
    curve.add_argument('--out', default='curves.png', metavar='FILE',
                       help='picture to write, png, pdf or svg; default: '
                       '%(default)s')
    times = tasks.add_parser(
        'cal_train_time', help='seconds per iteration, epoch by epoch',
        description='Print the seconds per iteration: fastest and slowest '
        'epoch, spread over epochs, and the mean.')
    times.add_argument('logs', nargs='+', metavar='LOG',
                       help='work dirs or scalars.json files')
    times.add_argument('--include-outliers', action='store_true',
                       help='count the first record of an epoch too, in '
                       'which data loaders start')
    args = parser.parse_args()
    if args.task == 'plot_curve':
        if args.legend and len(args.legend) != len(args.logs):
            parser.error(f'--legend has {len(args.legend)} names for '
                         f'{len(args.logs)} logs')
        if Path(args.out).suffix not in ('.png', '.pdf', '.svg'):
            parser.error(f'--out {args.out} must end in .png, .pdf or .svg')
    return args


def find_scalars(log: str) -> list[Path]:
    """Find the files of a run, oldest first."""
    path = Path(log)
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise FileNotFoundError(f'{log} does not exist')
    found = sorted([*path.glob('vis_data/scalars.json'),
                    *path.glob('*/vis_data/scalars.json')])
    if not found:
        raise FileNotFoundError(
            f'{log} has no vis_data/scalars.json; is it the work dir of a '
            'training with the LocalVisBackend?')
    return found


def read_records(path: Path) -> list[dict]:
    """Read a record per line; a killed run may have cut the last one."""
    lines = path.read_text(encoding='utf-8').splitlines()
    records = []
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            if number == len(lines):
                break
            raise ValueError(f'{path}, line {number}: not a log of '
                             'MMEngine') from None
        if not isinstance(record, dict):
            raise ValueError(f'{path}, line {number}: not a log of MMEngine')
        records.append(record)
    return records


def is_training(record: dict) -> bool:
    """Whether a record is of training; those of validation have no rate."""
    return 'lr' in record or 'loss' in record


def read_run(log: str) -> list[dict]:
    """Read the records of a run in order, each step once."""
    steps = {}
    for path in find_scalars(log):
        for record in read_records(path):
            # A resumed run repeats steps; the later record is the true one.
            steps[is_training(record), record.get('step')] = record
    return sorted(steps.values(), key=lambda r: (not is_training(r),
                                                 r.get('step') or 0))


def curve(run: list[dict], key: str, log: str
          ) -> tuple[list[float], list[float], str]:
    """Return x, y and the name of the x axis of one key."""
    records = [r for r in run if key in r]
    # "time" and "data_time" are logged by both; the training's are meant
    training = [r for r in records if is_training(r)]
    records = training or records
    if not records:
        known = sorted({k for r in run for k in r} - set(STEP_KEYS))
        raise ValueError(f'{log} has no {key!r}, only: {", ".join(known)}')
    if training:
        axis = 'iteration'
    else:
        by_epoch = any('epoch' in r for r in run)
        axis = 'epoch' if by_epoch else 'iteration'
    return ([r['step'] for r in records], [r[key] for r in records], axis)


def plot_curves(runs: dict[str, list[dict]], keys: Sequence[str], out: Path,
                title: str | None = None) -> None:
    """Draw a panel per key, a line per run."""
    import matplotlib
    matplotlib.use('Agg')
    from matplotlib import pyplot as plt
    fig, axes = plt.subplots(1, len(keys), figsize=(6 * len(keys), 4),
                             squeeze=False)
    for ax, key in zip(axes[0], keys):
        for name, run in runs.items():
            x, y, axis = curve(run, key, name)
            ax.plot(x, y, label=name, marker='' if len(x) > 20 else '.')
        ax.set_xlabel(axis)
        ax.set_ylabel(key)
        ax.grid(alpha=0.3)
        ax.legend()
    if title:
        fig.suptitle(title)
    fig.tight_layout()
    with atomic_write(out) as file:
        fig.savefig(file, format=out.suffix[1:], dpi=120)
    plt.close(fig)


def epoch_times(run: list[dict], include_outliers: bool
                ) -> dict[int, float]:
    """Return the mean seconds per iteration of each epoch."""
    times = defaultdict(list)
    for record in run:
        if is_training(record) and 'time' in record:
            times[record.get('epoch', 1)].append(record['time'])
    if not include_outliers:
        times = {epoch: values[1:] or values
                 for epoch, values in times.items()}
    return {epoch: statistics.mean(values)
            for epoch, values in times.items()}


def describe_times(log: str, times: dict[int, float]) -> str:
    """Write the epochs' times as text."""
    if not times:
        raise ValueError(f'{log} has no "time"; is it the log of a training '
                         'with the IterTimerHook?')
    slow, fast = max(times, key=times.get), min(times, key=times.get)
    spread = (statistics.stdev(times.values()) if len(times) > 1 else 0.)
    return (f'{log}\n'
            f'  slowest epoch  {slow}: {times[slow]:.4f} s/iter\n'
            f'  fastest epoch  {fast}: {times[fast]:.4f} s/iter\n'
            f'  spread over {len(times)} epochs: {spread:.4f} s/iter\n'
            f'  mean: {statistics.mean(times.values()):.4f} s/iter')


def main() -> None:
    args = parse_args()
    if args.task == 'cal_train_time':
        for log in args.logs:
            print(describe_times(log, epoch_times(
                read_run(log), args.include_outliers)))
        return
    names = args.legend or args.logs
    if len(set(names)) < len(names):
        raise ValueError(f'two runs have the same name: {names}; give '
                         '--legend')
    runs = {name: read_run(log) for name, log in zip(names, args.logs)}
    plot_curves(runs, args.keys, Path(args.out), args.title)
    print(f'{args.out}: {", ".join(args.keys)} of {len(runs)} runs')


if __name__ == '__main__':
    run_program(main)
