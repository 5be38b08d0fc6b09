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
from mmavs.io.checkpoint import CheckpointError, load_checkpoint_file
from mmavs.utils.command_line import run_program

# What stays of the meta data where a name stands for the config.
KEPT = ('dataset_meta', 'epoch', 'iter', 'mmavs_version', 'seed')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Strip a checkpoint to its weights and a few words about '
        'them; the start of its SHA-256 is put into the name')
    parser.add_argument('source', help='checkpoint of a training')
    parser.add_argument('target', help='file to write; NAME.pth becomes '
                        'NAME-xxxxxxxx.pth')
    parser.add_argument('--without', nargs='+', default=(),
                        metavar='PREFIX', help='leave out weights whose '
                        'names start so, e.g. auxiliary_heads.')
    parser.add_argument('--config', metavar='NAME',
                        help='name of the config in the zoo, stored instead '
                        'of its text and of paths')
    parser.add_argument('--trained', metavar='TEXT',
                        help='how it was trained, stored too')
    parser.add_argument('--results', metavar='FILE.json',
                        help='its numbers, stored too')
    return parser.parse_args()


def stripped(checkpoint: dict, args: argparse.Namespace) -> dict:
    """The weights in names and tensors, and meta data in plain types."""
    if not isinstance(checkpoint.get('state_dict'), dict):
        raise CheckpointError(f'{args.source} has no state_dict; give a '
                              'checkpoint that tools/train.py wrote')
    meta = dict(checkpoint.get('meta') or {})
    if args.config:
        meta = {key: meta[key] for key in KEPT if key in meta}
        meta['config'] = args.config
    if args.trained:
        meta['trained'] = args.trained
    if args.results:
        meta['results'] = json.loads(Path(args.results).read_text('utf-8'))
    weights = checkpoint['state_dict']
    for prefix in args.without:
        if not any(name.startswith(prefix) for name in weights):
            raise ValueError(f'--without {prefix}: {args.source} has no '
                             'weights of such names')
    # A clone, as a slice would be stored with all it was cut from.
    return dict(meta=meta, state_dict={
        name: value.detach().cpu().clone(
            memory_format=torch.contiguous_format)
        for name, value in weights.items()
        if not name.startswith(tuple(args.without))})


def main() -> None:
    args = parse_args()
    target = Path(args.target)
    if target.suffix != '.pth':
        raise ValueError(f'{target}: give the file the ending .pth')
    source = load_checkpoint_file(args.source)
    checkpoint = stripped(source, args)
    with atomic_write(target) as file:
        torch.save(checkpoint, file)
    digest = hashlib.sha256(target.read_bytes()).hexdigest()[:8]
    final = target.with_name(f'{target.stem}-{digest}.pth')
    target.replace(final)
    left = ', '.join(sorted(set(source) - set(checkpoint))) or 'nothing'
    print(f'{final}: {final.stat().st_size / 1e6:.1f} MB; left out: {left}')


if __name__ == '__main__':
    run_program(main)
