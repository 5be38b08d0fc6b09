# Copyright (c) OpenMMLab. All rights reserved.
"""Is one model better than another, or only on these clips?

``python tools/analysis_tools/compare_clips.py A.csv B.csv`` reads the scores
of each clip that ``tools/test.py --cfg-options test_evaluator.per_clip=A.csv``
writes, and gives the mean difference B - A with a confidence interval from a
paired bootstrap over clips: clips are drawn with replacement, each with its
scores under both models.
"""

import argparse
import csv
import math
from pathlib import Path

import numpy as np

from mmavs.utils.command_line import run_program


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Paired bootstrap over the clips of two tests')
    parser.add_argument('first', help='scores of each clip (CSV)')
    parser.add_argument('second', help='the same clips, the other model')
    parser.add_argument('--column', default='J', help='default: J')
    parser.add_argument('--resamples', type=int, default=10000,
                        help='default: %(default)s')
    parser.add_argument('--confidence', type=float, default=0.95,
                        help='default: %(default)s')
    parser.add_argument('--seed', type=int, default=0, help='default: 0')
    args = parser.parse_args()
    if args.resamples < 1 or not 0 < args.confidence < 1:
        parser.error('--resamples must be at least 1 and --confidence '
                     'between 0 and 1')
    return args


def read_scores(path: str, column: str) -> dict[str, float]:
    """Return the scores by clip; clips without one (no ground truth) go.

    Raises:
        ValueError: If the file is not such a table, or holds a clip twice.
    """
    with open(path, newline='', encoding='utf-8') as file:
        table = csv.DictReader(file)
        missing = {'clip_id', column} - set(table.fieldnames or ())
        if missing:
            raise ValueError(
                f'{path} has no column {", ".join(sorted(missing))}; it has '
                f'{", ".join(table.fieldnames or ["none"])}')
        rows = list(table)
    clips = [row['clip_id'] for row in rows]
    if len(set(clips)) < len(clips):
        raise ValueError(f'{path} holds a clip more than once')
    return {row['clip_id']: float(row[column]) for row in rows
            if row[column]}


def paired_bootstrap(first: np.ndarray, second: np.ndarray, *,
                     resamples: int = 10000, confidence: float = 0.95,
                     seed: int = 0) -> dict[str, float]:
    """Compare two models on the same clips.

    Args:
        first (np.ndarray): Scores (n, ) of the one model.
        second (np.ndarray): Scores (n, ) of the other, the same clips.
        resamples (int): Draws of n clips. Defaults to 10000.
        confidence (float): Of the percentile interval. Defaults to 0.95.
        seed (int): Of the draws. Defaults to 0.

    Returns:
        dict: ``difference`` (mean of second - first), ``low`` and ``high``
        (its interval), ``share_above_0`` (of the resamples).
    """
    difference = second - first
    picks = np.random.default_rng(seed).integers(
        len(difference), size=(resamples, len(difference)))
    means = difference[picks].mean(axis=1)
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return dict(difference=float(difference.mean()), low=float(low),
                high=float(high), share_above_0=float((means > 0).mean()))


def main() -> None:
    args = parse_args()
    first, second = (read_scores(path, args.column)
                     for path in (args.first, args.second))
    if first.keys() != second.keys():
        odd = sorted(first.keys() ^ second.keys())
        raise ValueError(
            f'{args.first} and {args.second} do not hold the same clips: '
            f'{len(odd)} are in one of them only, such as {odd[0]}; test '
            'both models on the same split')
    if not first:
        raise ValueError(f'{args.first} holds no clip with a score')
    a, b = (np.array([scores[clip] for clip in sorted(first)])
            for scores in (first, second))
    result = paired_bootstrap(a, b, resamples=args.resamples,
                              confidence=args.confidence, seed=args.seed)
    spread = [scores.std(ddof=1) / math.sqrt(len(scores))
              if len(scores) > 1 else math.nan for scores in (a, b)]
    for path, scores, error in zip((args.first, args.second), (a, b), spread):
        print(f'{Path(path).name}: {args.column} {scores.mean():.4f} '
              f'(standard error over {len(scores)} clips {error:.4f})')
    print(f'difference: {result["difference"]:+.4f}, {args.confidence:.0%} '
          f'interval {result["low"]:+.4f} to {result["high"]:+.4f}; above 0 '
          f'in {result["share_above_0"]:.2%} of {args.resamples} resamples')


if __name__ == '__main__':
    run_program(main)
