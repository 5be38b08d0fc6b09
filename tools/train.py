# Copyright (c) OpenMMLab. All rights reserved.
"""Train a model: ``python tools/train.py CONFIG``."""

import argparse
import os

from mmengine.config import DictAction

from mmavs.utils.command_line import run_program
from mmavs.utils.config import (
    build_runner,
    load_config,
    merge_options,
    set_work_dir,
    use_amp,
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Train a model')
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='folder for logs and checkpoints; '
                        'default: ./work_dirs/CONFIG_NAME')
    parser.add_argument(
        '--resume', nargs='?', const='auto', metavar='auto|PATH',
        help='go on from a checkpoint; without a value or with "auto" from '
        'the newest usable one of the work dir, if there is one')
    parser.add_argument('--amp', action='store_true',
                        help='train in mixed precision')
    parser.add_argument('--amp-dtype', default='bfloat16',
                        choices=('bfloat16', 'float16'),
                        help='with --amp; default: bfloat16')
    parser.add_argument('--no-validate', action='store_true',
                        help='train without validations')
    parser.add_argument('--auto-scale-lr', action='store_true',
                        help='scale the learning rate with the batch size, '
                        'from auto_scale_lr.base_batch_size')
    parser.add_argument('--seed', type=int, help='random seed')
    parser.add_argument('--diff-rank-seed', action='store_true',
                        help='another seed for each process')
    parser.add_argument('--deterministic', action='store_true',
                        help='deterministic GPU kernels')
    parser.add_argument('--no-pin-memory', action='store_true',
                        help='do not pin memory in data loaders')
    parser.add_argument('--no-persistent-workers', action='store_true',
                        help='restart data loader workers each epoch')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction,
                        metavar='KEY=VALUE', help='change config values, '
                        'e.g. train_dataloader.batch_size=2')
    parser.add_argument('--launcher', default='none',
                        choices=('none', 'pytorch', 'slurm', 'mpi'),
                        help='how the processes were started')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def apply_args(cfg, args: argparse.Namespace):
    """Write the command line into the config; ``--cfg-options`` wins."""
    cfg.launcher = args.launcher
    set_work_dir(cfg, args.work_dir)
    if args.resume == 'auto':
        cfg.resume = 'auto'
    elif args.resume:
        cfg.resume, cfg.load_from = True, args.resume
    if args.amp:
        use_amp(cfg, args.amp_dtype)
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
        cfg.get('default_hooks', {}).get('checkpoint', {}).pop(
            'save_best', None)
    if args.auto_scale_lr:
        if 'base_batch_size' not in (cfg.get('auto_scale_lr') or {}):
            raise ValueError('--auto-scale-lr needs '
                             'auto_scale_lr=dict(base_batch_size=N) in '
                             f'{cfg.filename}')
        cfg.auto_scale_lr.enable = True
    if cfg.get('randomness') is None:
        cfg.randomness = dict(seed=args.seed)
    if args.seed is not None:
        cfg.randomness.seed = args.seed
    if args.diff_rank_seed:
        cfg.randomness.diff_rank_seed = True
    if args.deterministic:
        cfg.randomness.deterministic = True
    set_loaders(cfg, args)
    merge_options(cfg, args.cfg_options)
    return cfg


def set_loaders(cfg, args: argparse.Namespace) -> None:
    for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        loader = cfg.get(name)
        if loader is None:
            continue
        if args.no_pin_memory:
            loader.pin_memory = False
        if args.no_persistent_workers:
            loader.persistent_workers = False


def main() -> None:
    args = parse_args()
    cfg = apply_args(load_config(args.config), args)
    build_runner(cfg).train()


if __name__ == '__main__':
    run_program(main)
