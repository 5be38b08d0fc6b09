# Copyright (c) OpenMMLab. All rights reserved.
"""Make frames, wav and log-mel files from raw videos.

``prepare_avsbench.py ROOT`` fills an AVSBench folder (S4 or MS3) that has the
csv and ``raw_videos``; ``prepare_avsbench.py ROOT --videos FOLDER`` makes a
data set in MS3's layout from any videos. An interrupted run goes on where it
stopped.
"""

import argparse
import sys
from pathlib import Path

from mmengine.utils import ProgressBar

from mmavs.utils.command_line import run_program

LAYOUTS = dict(s4='s4_meta_data.csv', ms3='ms3_meta_data.csv')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('root', help='folder of the data set')
    parser.add_argument('--videos', nargs='+', metavar='PATH',
                        help='video files or folders of them')
    parser.add_argument('--split', default='test',
                        choices=('train', 'val', 'test'),
                        help='split of --videos; default: test')
    parser.add_argument('--seconds', type=int, default=5,
                        help='seconds per clip; default: 5')
    parser.add_argument('--size', type=int, default=224,
                        help='side of the frames; default: 224')
    parser.add_argument('--workers', type=int, default=2,
                        help='videos at a time; default: 2')
    parser.add_argument('--on-no-audio', default='raise',
                        choices=('raise', 'silence'),
                        help='what to do with videos without an audio track; '
                        'default: raise (the video is listed as failed)')
    parser.add_argument('--blank-masks', action='store_true',
                        help='with --videos: write empty masks, so that '
                        'tools/test.py runs; its numbers mean nothing then')
    parser.add_argument('--overwrite', action='store_true',
                        help='make clips anew that are there')
    args = parser.parse_args()
    if args.blank_masks and not args.videos:
        parser.error('--blank-masks is for --videos only; it would hide that '
                     'AVSBench\'s masks are missing')
    for name in ('seconds', 'size', 'workers'):
        if getattr(args, name) < 1:
            parser.error(f'--{name} must be at least 1')
    return args


def find_layout(root: str) -> str:
    """Return the layout of an AVSBench folder by its csv."""
    for layout, name in LAYOUTS.items():
        if (Path(root) / name).is_file():
            return layout
    raise FileNotFoundError(
        f'{root} has neither {" nor ".join(LAYOUTS.values())}; name the '
        'folder that holds it, or make a new data set with --videos')


def main() -> int:
    args = parse_args()
    from mmavs.datasets.prepare import run_jobs
    from mmavs.datasets.prepare_plan import (
        drop_from_csv,
        find_videos,
        plan_avsbench,
        plan_videos,
    )
    if args.videos:
        jobs = plan_videos(args.root, find_videos(args.videos), args.split,
                           num_seconds=args.seconds,
                           blank_masks=args.blank_masks)
    else:
        jobs = plan_avsbench(args.root, find_layout(args.root),
                             num_seconds=args.seconds)
    bar = ProgressBar(len(jobs), file=sys.stderr)
    report = run_jobs(jobs, size=args.size, on_missing=args.on_no_audio,
                      workers=args.workers, overwrite=args.overwrite,
                      progress=bar.update)
    print(file=sys.stderr)
    if args.videos and report.failed:
        done = {*report.done, *report.skipped}
        drop_from_csv(args.root, {job.clip_id for job in jobs} - done)
    print(f'{args.root}: {len(report.done)} clips made, '
          f'{len(report.skipped)} were there, {len(report.failed)} failed')
    for problem in report.failed.values():
        print(f'  {problem}')
    if any('no audio track' in text for text in report.failed.values()):
        print('  (--on-no-audio silence makes clips without sound silent)')
    return 1 if report.failed else 0


if __name__ == '__main__':
    run_program(main)
