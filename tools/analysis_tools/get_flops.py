# Copyright (c) OpenMMLab. All rights reserved.
"""Print the parameters and FLOPs of a config's model, part by part.

FLOPs are those of one clip, two per multiply-add of convolutions, linear
layers and attention. Nothing is computed and no weights are needed.
"""

import argparse

import torch
from mmengine.config import Config, DictAction
from mmengine.registry import init_default_scope

from mmavs.io.converters.selm import never_run
from mmavs.registry import MODELS
from mmavs.utils.command_line import run_program
from mmavs.utils.complexity import count_parts
from mmavs.utils.config import load_config, merge_options
from mmavs.utils.example_inputs import example_shapes


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument('--shape', type=int, nargs='+', metavar='SIDE',
                        help='height and width of the frames (one number: '
                        'both); by default what the test pipeline makes')
    parser.add_argument('--seconds', type=int, help='seconds of the clip; '
                        'by default data_preprocessor.pad_to, else 5')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction,
                        metavar='KEY=VALUE', help='change config values')
    return parser.parse_args()


def make_inputs(cfg: Config, shape, seconds) -> dict[str, torch.Tensor]:
    shapes = example_shapes(cfg, shape=shape, seconds=seconds)
    inputs = {name: torch.zeros(1, *size) for name, size in shapes.items()}
    seconds = shapes['frames'][0]
    return dict(inputs, valid=torch.ones(1, seconds, dtype=torch.bool))


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config)
    merge_options(cfg, args.cfg_options)
    if cfg.model.get('audio_encoder'):
        # its weights are public files, and not needed to count
        cfg.model.audio_encoder.update(
            frozen=False, allow_random=True, init_cfg=None)
    init_default_scope(cfg.get('default_scope', 'mmavs'))
    with torch.device('meta'):
        model = MODELS.build(cfg.model).eval()
        inputs = make_inputs(cfg, args.shape, args.seconds)
        parts = count_parts(model, inputs)

    frames = tuple(inputs['frames'].shape)
    print(f'{args.config}: frames {frames}')
    print(f'{"part":<18}{"live M":>10}{"unused M":>10}{"GFLOPs":>11}')
    for name, live, unused, flops in parts:
        print(f'{name:<18}{live / 1e6:>10.3f}{unused / 1e6:>10.3f}'
              f'{flops / 1e9:>11.2f}')
    totals = [sum(column) for column in list(zip(*parts))[1:]]
    print(f'{"total":<18}{totals[0] / 1e6:>10.3f}{totals[1] / 1e6:>10.3f}'
          f'{totals[2] / 1e9:>11.2f}')
    live = {part.name: part.live + part.unused for part in parts}
    for name, count, reason in never_run(model):
        print(f'{name}: the released checkpoints hold '
              f'{(live[name] + count) / 1e6:.3f} M, of which '
              f'{count / 1e6:.3f} M never run and are dropped here '
              f'({reason})')


if __name__ == '__main__':
    run_program(main)
