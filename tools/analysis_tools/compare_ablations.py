# Copyright (c) OpenMMLab. All rights reserved.
"""Train several configs with several seeds and compare them.

Trains each config with each seed, tests it with each kind of sound, and
writes table.md (mean and sample standard deviation), runs.csv (every run) and
plot.png. It can be stopped and started again: what is done already, training
or test, is not done again.
"""

import argparse
import csv
import io
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from mmengine.utils import track_iter_progress

from mmavs.io import atomic_write
from mmavs.utils.command_line import run_program

TOOLS = Path(__file__).resolve().parents[1]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('configs', nargs='+', metavar='CONFIG',
                        help='config files')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2],
                        metavar='N', help='default: 0 1 2')
    parser.add_argument('--audio', nargs='+', default=['true', 'swapped'],
                        metavar='SOUND', help='sounds to test with, of true, '
                        'swapped, silence, noise:SNR;\ndefault: true swapped')
    parser.add_argument('--metric', default='avsbench/J_nonempty',
                        metavar='NAME', help='default: %(default)s')
    parser.add_argument('--checkpoint', choices=('best', 'last'),
                        default='last', help='which one is tested; '
                        'default: %(default)s')
    parser.add_argument('--out', default='work_dirs/compare', metavar='DIR',
                        help='default: %(default)s')
    parser.add_argument('--cfg-options', nargs='+', default=[],
                        metavar='KEY=VALUE',
                        help='changes of every config, in both programs')
    args = parser.parse_args()
    stems = [Path(config).stem for config in args.configs]
    if len(set(stems)) < len(stems):
        parser.error(f'two configs have the same name: {stems}')
    missing = [c for c in args.configs if not Path(c).is_file()]
    if missing:
        parser.error(f'no such config: {", ".join(missing)}')
    return args


def run(program: str, *arguments: str, log: Path) -> None:
    """Run one of our programs with its output in a log."""
    command = [sys.executable, str(TOOLS / program), *arguments]
    with open(log, 'w') as file:
        code = subprocess.run(command, stdout=file,
                              stderr=subprocess.STDOUT).returncode
    if code:
        lines = log.read_text().strip().splitlines()
        raise RuntimeError(f'{program} ended with code {code}, see {log}: '
                           + ' | '.join(lines[-3:]))


def find_checkpoint(folder: Path, which: str) -> Path:
    """Return the best or the last checkpoint of a training."""
    if which == 'last':
        return Path((folder / 'last_checkpoint').read_text().strip())
    best = sorted(folder.glob('best_*.pth'))
    if not best:
        raise FileNotFoundError(
            f'no best_*.pth in {folder}; set default_hooks.checkpoint.'
            'save_best or use --checkpoint last')
    return best[-1]


def check_settings(folder: Path, args: argparse.Namespace) -> None:
    """Refuse a folder whose run was made with other settings."""
    settings = dict(metric=args.metric, checkpoint=args.checkpoint,
                    cfg_options=args.cfg_options)
    path = folder / 'settings.json'
    if path.is_file():
        found = json.loads(path.read_text())
        if found != settings:
            raise ValueError(f'{folder} holds a run with {found}, not '
                             f'{settings}; give another --out')
    with atomic_write(path, mode='w') as file:
        json.dump(settings, file, indent=2)


def measure(config: str, seed: int, args: argparse.Namespace) -> dict:
    """Train and test one config with one seed, as far as is not done."""
    folder = Path(args.out) / Path(config).stem / f'seed_{seed}'
    check_settings(folder, args)
    result = folder / 'result.json'
    row = json.loads(result.read_text()) if result.is_file() else {}
    options = ['--cfg-options', *args.cfg_options] if args.cfg_options else []
    if not row:
        start = time.time()
        run('train.py', config, '--work-dir', str(folder), '--seed',
            str(seed), *options, log=folder / 'train.out')
        row = dict(config=Path(config).stem, seed=seed,
                   train_seconds=round(time.time() - start, 1))
    for audio in args.audio:
        if audio not in row:
            row[audio] = test(config, audio, folder, args, options)
    with atomic_write(result, mode='w') as file:
        json.dump(row, file, indent=2)
    return row


def test(config: str, audio: str, folder: Path, args: argparse.Namespace,
         options: list[str]) -> float:
    """Test a trained config with one kind of sound."""
    work_dir = folder / f'test_{audio.replace(":", "-")}'
    run('test.py', config, str(find_checkpoint(folder, args.checkpoint)),
        '--work-dir', str(work_dir), '--audio', audio, *options,
        log=folder / 'test.out')
    (path, ) = work_dir.glob('metrics_*.json')
    metrics = json.loads(path.read_text())['metrics']
    if args.metric not in metrics:
        raise ValueError(f'the test gave no {args.metric!r}, only: '
                         f'{", ".join(sorted(metrics))}')
    return metrics[args.metric]


def summarise(rows: list[dict], audio: list[str]) -> list[dict]:
    """Mean and spread (sample standard deviation) over the seeds.

    Args:
        rows (list[dict]): One per run: config, seed and a value per sound.
        audio (list[str]): The sounds.

    Returns:
        list[dict]: One per config, in the order of appearance.
    """
    summary = []
    for name in dict.fromkeys(row['config'] for row in rows):
        runs = [row for row in rows if row['config'] == name]
        entry = dict(config=name, runs=len(runs))
        for kind in audio:
            values = [row[kind] for row in runs]
            spread = statistics.stdev(values) if len(values) > 1 else None
            entry[kind] = (statistics.mean(values), spread)
        summary.append(entry)
    return summary


def to_markdown(summary: list[dict], audio: list[str], metric: str) -> str:
    """Write the summary as a Markdown table."""
    heads = ['config', 'runs', *(f'{metric}, {kind}' for kind in audio)]
    lines = ['| ' + ' | '.join(heads) + ' |', '|---' * len(heads) + '|']
    for entry in summary:
        cells = [f'`{entry["config"]}`', str(entry['runs'])]
        for kind in audio:
            mean, spread = entry[kind]
            cells.append(f'{mean:.3f}' + (
                '' if spread is None else f' ± {spread:.3f}'))
        lines.append('| ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines) + '\n'


def draw(summary: list[dict], audio: list[str], metric: str, path: Path
         ) -> None:
    """Draw means with their spread, a group of bars per config."""
    import matplotlib
    matplotlib.use('Agg')
    from matplotlib import pyplot as plt
    fig, ax = plt.subplots(figsize=(8, 1.2 + 0.5 * len(summary)))
    height = 0.8 / len(audio)
    for index, kind in enumerate(audio):
        means, spreads = zip(*(entry[kind] for entry in summary))
        ax.barh([row + index * height for row in range(len(summary))],
                means, height, label=kind, capsize=3,
                xerr=[spread or float('nan') for spread in spreads])
    ax.set_yticks([row + 0.4 - height / 2 for row in range(len(summary))],
                  [entry['config'] for entry in summary])
    ax.invert_yaxis()
    ax.set_xlabel(metric)
    ax.legend(title='sound', loc='upper left', bbox_to_anchor=(1.01, 1))
    fig.tight_layout()
    with atomic_write(path) as file:
        fig.savefig(file, format='png', dpi=120)
    plt.close(fig)


def main() -> None:
    args = parse_args()
    out = Path(args.out)
    # Seed by seed, so that an interrupted comparison is a fair one.
    jobs = [(c, s) for s in args.seeds for c in args.configs]
    rows = [measure(*job, args) for job in track_iter_progress(jobs)]
    summary = summarise(rows, args.audio)
    text = to_markdown(summary, args.audio, args.metric)
    with atomic_write(out / 'table.md', mode='w') as file:
        file.write(text)
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, ['config', 'seed', 'train_seconds',
                                     *args.audio], extrasaction='ignore')
    writer.writeheader()
    writer.writerows(rows)
    with atomic_write(out / 'runs.csv', mode='w') as file:
        file.write(buffer.getvalue())
    draw(summary, args.audio, args.metric, out / 'plot.png')
    print(f'\n{text}\n{out}/table.md, runs.csv, plot.png')


if __name__ == '__main__':
    run_program(main)
