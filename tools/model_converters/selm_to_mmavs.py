# Copyright (c) OpenMMLab. All rights reserved.
"""Convert a released SelM checkpoint into one that mmavs loads strictly.

Backbone and setting are recognised from names and shapes; what the released
code never runs is dropped and listed.
"""

import argparse
from pathlib import Path

import torch
from mmengine.registry import init_default_scope

from mmavs.apis.model_zoo import find_entry
from mmavs.io.checkpoint import CheckpointError, load_checkpoint_file
from mmavs.io.converters.checkpoints import check_fit, save_model
from mmavs.io.converters.selm import convert_selm, recognise_selm
from mmavs.io.weights import find_state_dict, shorten
from mmavs.registry import MODELS
from mmavs.utils.command_line import run_program
from mmavs.utils.config import load_config


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('source', help='the authors\' .pth file')
    parser.add_argument('destination', help='the file to write')
    group = parser.add_mutually_exclusive_group()
    group.add_argument('--config', help='config the result must fit; by '
                       'default the recognised one')
    group.add_argument('--model', help='the same, by its name in the zoo, '
                       'e.g. selm_pvt_ms3')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    if not Path(args.source).is_file():
        raise CheckpointError(f'checkpoint {args.source} does not exist')
    weights = find_state_dict(load_checkpoint_file(args.source), args.source)
    name = recognise_selm(weights)
    config = args.config or find_entry(args.model or name).config
    print(f'{args.source} is {name}')

    result = convert_selm(weights)
    converted = {**result.weights,
                 **{old: weights[old] for old in result.unknown}}
    cfg = load_config(config)
    init_default_scope(cfg.get('default_scope', 'mmavs'))
    with torch.device('meta'):  # names and shapes are enough
        wanted = MODELS.build(cfg.model).state_dict()
    check_fit(converted, wanted,
              f'the weights of {args.source} ({name}) and {config}')
    for reason, names in result.dropped.items():
        size = sum(weights[old].numel() for old in names) / 1e6
        print(f'dropped, never runs: {reason} ({len(names)} tensors, '
              f'{size:.2f} M): {shorten(names)}')
    save_model(converted, args.destination, config=Path(config).stem,
               source=args.source)
    print(f'{args.destination}: {len(converted)} tensors for {config}')


if __name__ == '__main__':
    run_program(main)
