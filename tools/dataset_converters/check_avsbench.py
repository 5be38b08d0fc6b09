# Copyright (c) OpenMMLab. All rights reserved.
"""List everything that is missing, unreadable or of the wrong length.

ROOT is the folder of one data set (with its csv) or of all of AVSBench
(``Single-source``, ``Multi-sources``, ``AVSS``). The exit code is 1 if
anything is wrong.
"""

import argparse
import sys

from mmengine.utils import ProgressBar

from mmavs.utils.command_line import run_program

SORTS = ('missing', 'unreadable', 'wrong')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('root', help='folder of the data')
    parser.add_argument('--layout', choices=('s4', 'ms3', 'avss'),
                        help='check only this one; default: all found')
    parser.add_argument('--img-suffix',
                        help='suffix of the frames; default: found out')
    parser.add_argument('--mask-dir', help='folder of the masks of S4 and '
                        'MS3 (gt_masks), or labels_rgb for AVSS')
    parser.add_argument('--seconds', type=int, default=5,
                        help='seconds of S4 and MS3 clips; default: 5')
    parser.add_argument('--audio', nargs='+', choices=('wav', 'log_mel'),
                        help='kinds of sound file; default: those whose '
                        'folder is there')
    parser.add_argument('--without-masks', action='store_true',
                        help='do not ask for masks')
    parser.add_argument('--tolerance', type=float, default=0.5,
                        help='seconds a wav may be off; default: 0.5')
    parser.add_argument('--num-classes', type=int, default=71,
                        help='classes of class masks; default: 71')
    parser.add_argument('--workers', type=int, default=4)
    parser.add_argument('--show', type=int, default=100, metavar='N',
                        help='print at most N problems, 0 for all; '
                        'default: 100')
    parser.add_argument('--report', metavar='FILE',
                        help='write all problems to a csv file')
    return parser.parse_args()


def print_table(report) -> None:
    """Print how many files there are and what is wrong, per split."""
    print(f'{"data":5} {"split":6} {"kind":8} {"files":>7} '
          + ' '.join(f'{sort:>10}' for sort in SORTS))
    for layout, split in report.clips:
        print(f'{layout:5} {split:6} {"clips":8} '
              f'{report.clips[layout, split]:7}')
        for (data, part, kind), files in report.files.items():
            if (data, part) == (layout, split):
                counts = ' '.join(
                    f'{report.count(layout, split, kind, sort):10}'
                    for sort in SORTS)
                print(f'{layout:5} {split:6} {kind:8} {files:7} {counts}')


def write_report(path: str, report) -> None:
    """Write all problems to a csv file."""
    import csv
    from dataclasses import asdict

    from mmavs.datasets.check_files import Problem
    from mmavs.io.atomic import atomic_write
    with atomic_write(path, mode='w') as f:
        writer = csv.DictWriter(f, list(Problem.__dataclass_fields__))
        writer.writeheader()
        writer.writerows(asdict(problem) for problem in report.problems)


def run(args: argparse.Namespace):
    """Check all data sets of the folder with a progress bar for each."""
    from mmavs.datasets.check import check_data_set, find_data_sets
    from mmavs.datasets.check_files import CheckOptions
    options = CheckOptions(
        img_suffix=args.img_suffix, mask_dir=args.mask_dir,
        num_seconds=args.seconds, masks=not args.without_masks,
        audio_types=args.audio, tolerance=args.tolerance,
        num_classes=args.num_classes)
    found = find_data_sets(args.root)
    if args.layout:
        found = {key: value for key, value in found.items()
                 if key == args.layout}
    if not found:
        raise FileNotFoundError(
            f'{args.root}: no s4_meta_data.csv, ms3_meta_data.csv or '
            'metadata.csv there; name the folder that holds it or the '
            'folder above Single-source, Multi-sources and AVSS')
    report = None
    for layout, root in found.items():
        bar = None

        def progress(done: int, total: int) -> None:
            nonlocal bar
            if bar is None:
                bar = ProgressBar(total, file=sys.stderr)
            bar.update()

        report = check_data_set(root, layout, options=options,
                                workers=args.workers, report=report,
                                progress=progress)
        print(file=sys.stderr)
    return report


def main() -> int:
    args = parse_args()
    report = run(args)
    print_table(report)
    shown = report.problems[:args.show or None]
    for problem in shown:
        clip = f'clip {problem.clip_id!r}: ' if problem.clip_id else ''
        print(f'{problem.layout} {problem.split} {problem.kind}: {clip}'
              f'{problem.path}: {problem.text}')
    if len(shown) < len(report.problems):
        print(f'... and {len(report.problems) - len(shown)} more (--show 0, '
              'or --report FILE)')
    if args.report:
        write_report(args.report, report)
    print(f'{len(report.problems)} problems' if report.problems else
          'everything is there')
    return 1 if report.problems else 0


if __name__ == '__main__':
    run_program(main)
