# Copyright (c) OpenMMLab. All rights reserved.
"""The command line of the synthetic data set."""

import argparse
from collections.abc import Sequence

from .build import write_synthetic
from .writer import LAYOUT_FOLDERS


def main(argv: Sequence[str] | None = None) -> None:
    """Write the data set and print what there is."""
    parser = argparse.ArgumentParser(
        description='Write the synthetic audio-visual segmentation data set '
        'in the layouts of AVSBench.')
    parser.add_argument('--root', default='data/synthetic',
                        help='folder to write to (default: %(default)s)')
    parser.add_argument('--layouts', nargs='+', default=list(LAYOUT_FOLDERS),
                        choices=list(LAYOUT_FOLDERS))
    for split in ('train', 'val', 'test'):
        parser.add_argument(
            f'--num-{split}', type=int,
            help=f'{split} clips of each layout (default: its own number)')
    parser.add_argument('--size', type=int, default=128,
                        help='height of the frames (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--sample-rate', type=int, default=16000)
    parser.add_argument('--workers', type=int, default=2)
    parser.add_argument('--overwrite', action='store_true',
                        help='replace a synthetic set with other parameters')
    args = parser.parse_args(argv)
    try:
        summary = write_synthetic(**vars(args))
    except (ValueError, FileExistsError) as error:
        parser.exit(1, f'error: {error}\n')
    for layout, counts in summary['clips'].items():
        numbers = ', '.join(f'{n} {split}' for split, n in counts.items())
        print(f'{layout:5} {LAYOUT_FOLDERS[layout]}: {numbers}')
    state = 'written' if summary['written'] else 'already there'
    print(f'{summary["root"]}: {state} ({summary["seconds"]:.1f} s)')
