# Copyright (c) OpenMMLab. All rights reserved.
"""Train several configs with several seeds and compare them.

``python tools/analysis_tools/compare_ablations.py CONFIG CONFIG ...
--seeds 0 1 2 --out work_dirs/compare`` trains each config with each seed,
tests it with each kind of sound, and writes ``table.md``, ``runs.csv`` and
``plot.png``. A run whose result is there already is not done again.
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
        description='Train configs with several seeds and compare them')
    parser.add_argument('configs', nargs='+', help='config files')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2],
                        help='default: 0 1 2')
    parser.add_argument('--audio', nargs='+', default=['true', 'swapped'],
                        metavar='true|swapped|silence|noise:SNR',
                        help='sounds to test with; default: true swapped')
    parser.add_argument('--metric', default='avsbench/J_nonempty',
                        help='default: %(default)s')
    parser.add_argument('--checkpoint', choices=('best', 'last'),
                        default='last', help='which one is tested; '
                        'default: %(default)s')
    parser.add_argument('--out', default='work_dirs/compare',
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


def measure(config: str, seed: int, args: argparse.Namespace) -> dict:
    """Train and test one config with one seed, unless that was done."""
    folder = Path(args.out) / Path(config).stem / f'seed_{seed}'
    result = folder / 'result.json'
    if result.is_file():
        return json.loads(result.read_text())
    folder.mkdir(parents=True, exist_ok=True)
    options = ['--cfg-options', *args.cfg_options] if args.cfg_options else []
    start = time.time()
    run('train.py', config, '--work-dir', str(folder), '--seed', str(seed),
        *options, log=folder / 'train.out')
    row = dict(config=Path(config).stem, seed=seed,
               train_seconds=round(time.time() - start, 1))
    checkpoint = str(find_checkpoint(folder, args.checkpoint))
    for audio in args.audio:
        run('test.py', config, checkpoint, '--work-dir',
            str(folder / f'test_{audio.replace(":", "-")}'), '--audio', audio,
            *options, log=folder / 'test.out')
        metrics = next((folder / f'test_{audio.replace(":", "-")}').glob(
            'metrics_*.json'))
        row[audio] = json.loads(metrics.read_text())['metrics'][args.metric]
    with atomic_write(result, mode='w') as file:
        json.dump(row, file, indent=2)
    return row


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
    fig, ax = plt.subplots(figsize=(7, 1 + 0.5 * len(summary)))
    height = 0.8 / len(audio)
    for index, kind in enumerate(audio):
        ax.barh([row + index * height for row in range(len(summary))],
                [entry[kind][0] for entry in summary], height,
                xerr=[entry[kind][1] or 0 for entry in summary], label=kind)
    ax.set_yticks([row + 0.4 - height / 2 for row in range(len(summary))],
                  [entry['config'] for entry in summary])
    ax.invert_yaxis()
    ax.set_xlabel(metric)
    ax.legend(title='sound')
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
