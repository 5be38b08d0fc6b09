# Copyright (c) OpenMMLab. All rights reserved.
"""Test a checkpoint: ``python tools/test.py CONFIG CHECKPOINT``."""

import argparse
import json
import os
import re
import time
from pathlib import Path

from mmengine.config import DictAction
from mmengine.dist import is_main_process

from mmavs.datasets.audio_mode import parse_audio_mode
from mmavs.io import atomic_write
from mmavs.utils.command_line import run_program
from mmavs.utils.config import (
    build_runner,
    datasets_of,
    load_config,
    merge_options,
    set_work_dir,
)
from mmavs.version import __version__


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Test a checkpoint')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--work-dir', help='folder for the log and the '
                        'metrics; default: ./work_dirs/CONFIG_NAME')
    parser.add_argument(
        '--audio', type=audio_mode, default=None,
        metavar='true|swapped|silence|noise:SNR',
        help='test with other sound: that of another clip, none, or with '
        'noise at a signal-to-noise ratio in dB')
    parser.add_argument('--out', metavar='DIR',
                        help='write the predicted masks as PNG files')
    parser.add_argument('--dump', metavar='FILE.pkl',
                        help='write all predictions to a pickle')
    parser.add_argument('--show', action='store_true',
                        help='show each clip in a window')
    parser.add_argument('--show-dir', metavar='DIR',
                        help='write overlays of the clips')
    parser.add_argument('--wait-time', type=float, default=2,
                        help='seconds that --show waits; default: 2')
    parser.add_argument('--tta', action='store_true',
                        help='test with the augmentations of tta_pipeline')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction,
                        metavar='KEY=VALUE', help='change config values')
    parser.add_argument('--launcher', default='none',
                        choices=('none', 'pytorch', 'slurm', 'mpi'),
                        help='how the processes were started')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args()
    if args.dump and Path(args.dump).suffix not in ('.pkl', '.pickle'):
        parser.error(f'--dump {args.dump} must end in .pkl or .pickle')
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def audio_mode(text: str) -> str:
    try:
        parse_audio_mode(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def apply_args(cfg, args: argparse.Namespace):
    """Write the command line into the config; ``--cfg-options`` wins."""
    cfg.launcher = args.launcher
    set_work_dir(cfg, args.work_dir)
    cfg.load_from, cfg.resume = args.checkpoint, False
    if cfg.get('test_dataloader') is None:
        raise ValueError(f'{args.config} has no test_dataloader')
    if args.audio is not None:
        for dataset in datasets_of(cfg.test_dataloader.dataset):
            dataset.audio_mode = args.audio
    if args.show or args.show_dir:
        draw(cfg, args)
    if args.out:
        cfg.custom_hooks = [*(cfg.get('custom_hooks') or []), dict(
            type='PredictionWriterHook', out_dir=args.out)]
    if args.tta:
        use_tta(cfg, args.config)
    if args.dump:
        evaluator = cfg.get('test_evaluator') or []
        evaluator = evaluator if isinstance(evaluator, list) else [evaluator]
        cfg.test_evaluator = [*evaluator, dict(
            type='DumpResults', out_file_path=args.dump)]
    merge_options(cfg, args.cfg_options)
    return cfg


def draw(cfg, args: argparse.Namespace) -> None:
    hook = (cfg.get('default_hooks') or {}).get('visualization')
    if hook is None:
        raise ValueError(
            f'--show and --show-dir need a visualisation hook, which '
            f'{args.config} lacks: add default_hooks=dict(visualization='
            "dict(type='AVSVisualizationHook'))")
    hook.update(draw=True, show=args.show, wait_time=args.wait_time)
    if args.show_dir:
        hook.test_out_dir = args.show_dir


def use_tta(cfg, path: str) -> None:
    if 'tta_model' not in cfg or 'tta_pipeline' not in cfg:
        raise ValueError(f'--tta needs tta_model and tta_pipeline in {path}')
    for dataset in datasets_of(cfg.test_dataloader.dataset):
        dataset.pipeline = cfg.tta_pipeline
    cfg.model = dict(**cfg.tta_model, module=cfg.model)


def table(metrics: dict[str, float]) -> str:
    """Numbers as an aligned table, one name a line."""
    width = max(map(len, metrics), default=0)
    return '\n'.join(f'  {name:<{width}}  {value:.4f}'
                     if isinstance(value, float) else
                     f'  {name:<{width}}  {value}'
                     for name, value in metrics.items())


def write_metrics(path: Path, content: dict) -> None:
    with atomic_write(path, mode='w') as file:
        json.dump(content, file, indent=2, sort_keys=True)
        file.write('\n')


def main() -> None:
    args = parse_args()
    cfg = apply_args(load_config(args.config), args)
    runner = build_runner(cfg)
    start = time.time()
    metrics = {key: float(value) if hasattr(value, 'item') else value
               for key, value in (runner.test() or {}).items()}
    seconds = time.time() - start
    if not is_main_process():
        return
    audio = args.audio or 'true'
    clips = len(runner.test_dataloader.dataset)
    path = Path(runner.work_dir, 'metrics_{}.json'.format(
        re.sub(r'[^\w.+-]+', '-', audio)))
    write_metrics(path, dict(
        config=args.config, checkpoint=args.checkpoint, audio=audio,
        clips=clips, seconds=round(seconds, 2), metrics=metrics,
        mmavs_version=__version__))
    print(f'\n{Path(args.config).stem}, {clips} clips, audio: {audio}\n'
          f'{table(metrics)}\nmetrics: {path}')
    for name in ('out', 'dump', 'show_dir'):
        if getattr(args, name):
            print(f'{name}: {getattr(args, name)}')


if __name__ == '__main__':
    run_program(main)
