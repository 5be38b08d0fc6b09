# Copyright (c) OpenMMLab. All rights reserved.
"""Strip a checkpoint to what is needed to use it.

python tools/misc/publish_model.py work_dirs/quickstart/best.pth \
    weights/selm_tiny_synthetic.pth --config selm_tiny_synthetic \
    --trained 'tools/quickstart.sh' --results work_dirs/quickstart/summary.json
"""

import argparse
import hashlib
import json
from pathlib import Path

import torch

from mmavs.io import atomic_write
from mmavs.io.checkpoint import load_checkpoint_file
from mmavs.io.weights import find_state_dict
from mmavs.utils.command_line import run_program

KEPT = ('dataset_meta', 'epoch', 'iter', 'mmavs_version', 'seed')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Strip a checkpoint to its weights and a few words about '
        'them; the start of its SHA-256 is put into the name')
    parser.add_argument('source', help='checkpoint of a training')
    parser.add_argument('target', help='file to write; NAME.pth becomes '
                        'NAME-xxxxxxxx.pth')
    parser.add_argument('--config', required=True,
                        help='name of the config in the zoo')
    parser.add_argument('--trained', default='', metavar='TEXT',
                        help='how it was trained')
    parser.add_argument('--results', metavar='FILE.json',
                        help='numbers to keep with it')
    return parser.parse_args()


def stripped(checkpoint: dict, args: argparse.Namespace) -> dict:
    """The weights in names and tensors, and meta data in plain types."""
    old = checkpoint.get('meta') or {}
    meta = {key: old[key] for key in KEPT if key in old}
    meta.update(config=args.config, trained=args.trained)
    if args.results:
        meta['results'] = json.loads(Path(args.results).read_text('utf-8'))
    weights = find_state_dict(checkpoint, args.source)
    return dict(meta=meta, state_dict={
        name: value.detach().cpu().clone().contiguous()
        for name, value in weights.items()})


def main() -> None:
    args = parse_args()
    target = Path(args.target)
    if target.suffix != '.pth':
        raise ValueError(f'{target}: give the file the ending .pth')
    checkpoint = stripped(load_checkpoint_file(args.source), args)
    with atomic_write(target) as file:
        torch.save(checkpoint, file)
    digest = hashlib.sha256(target.read_bytes()).hexdigest()[:8]
    final = target.with_name(f'{target.stem}-{digest}.pth')
    target.replace(final)
    print(f'{final}: {final.stat().st_size / 1e6:.1f} MB')


if __name__ == '__main__':
    run_program(main)
