# Copyright (c) OpenMMLab. All rights reserved.
"""Segment what sounds in a video, in a few lines of Python.

python demo/video_demo.py VIDEO [MODEL [CHECKPOINT]] --out-dir results
"""

import argparse

from mmavs.apis import AVSInferencer
from mmavs.utils.command_line import run_program


def main() -> None:
    parser = argparse.ArgumentParser(description='Segment what sounds in a '
                                     'video')
    parser.add_argument('video', help='a video with sound')
    parser.add_argument('model', nargs='?', default='selm_tiny_synthetic',
                        help='config file or name of the zoo; default: '
                        '%(default)s, whose weights come with mmavs')
    parser.add_argument('checkpoint', nargs='?',
                        help='weights; default: those of the zoo')
    parser.add_argument('--out-dir', default='results')
    parser.add_argument('--device', help='default: the best there is')
    args = parser.parse_args()

    inferencer = AVSInferencer(args.model, args.checkpoint, args.device)
    result = inferencer(args.video, out_dir=args.out_dir,
                        outputs=('video', 'masks', 'sheet'))
    for kind, path in result['predictions'][0]['outputs'].items():
        print(f'{kind}: {path}')


if __name__ == '__main__':
    run_program(main)
