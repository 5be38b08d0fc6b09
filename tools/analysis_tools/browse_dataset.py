# Copyright (c) OpenMMLab. All rights reserved.
"""Draw clips as a pipeline delivers them: ``browse_dataset.py CONFIG``."""

import argparse
from pathlib import Path

import numpy as np
from mmengine.config import Config, DictAction
from mmengine.registry import init_default_scope
from mmengine.utils import ProgressBar

from mmavs.datasets.clip_sampler import ClipIndex
from mmavs.engine.hooks.visualization_hook import clip_waveform, file_name
from mmavs.registry import DATASETS
from mmavs.utils.command_line import run_program
from mmavs.utils.config import datasets_of, load_config, merge_options
from mmavs.visualization import AVSVisualizer, write_clip_video


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Draw clips after the pipeline: frames, labels, log-mel '
        'and waveform')
    parser.add_argument('config', help='config file')
    parser.add_argument('--split', default='train',
                        choices=('train', 'val', 'test'),
                        help='whose data loader to use; default: train')
    parser.add_argument('--out-dir', help='folder for the pictures; default: '
                        'work_dirs/CONFIG_NAME/browse_SPLIT')
    parser.add_argument('--num', type=int, default=10,
                        help='clips to draw, 0 for all; default: 10')
    parser.add_argument('--clips', nargs='+', metavar='CLIP_ID',
                        help='draw these clips instead of the first ones')
    parser.add_argument('--epoch', type=int, default=0,
                        help='epoch whose augmentation is drawn; default: 0')
    parser.add_argument('--seed', type=int, default=0,
                        help='seed of the augmentation; default: 0')
    parser.add_argument('--video', action='store_true',
                        help='also write an mp4 with its sound per clip')
    parser.add_argument('--show', action='store_true',
                        help='show each clip in a window')
    parser.add_argument('--wait-time', type=float, default=2,
                        help='seconds that --show waits; default: 2')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction,
                        metavar='KEY=VALUE', help='change config values')
    return parser.parse_args()


def build_dataset(cfg: Config, split: str):
    """The data set of a split, with the waveform added to what it packs."""
    loader = cfg.get(f'{split}_dataloader')
    if loader is None:
        raise ValueError(f'{cfg.filename} has no {split}_dataloader')
    for dataset in datasets_of(loader.dataset):
        steps = dataset.get('pipeline') or []
        heard = (dataset.get('audio_type', 'wav') == 'wav'
                 and any(s['type'] == 'LoadClipAudio' for s in steps))
        if heard and steps[-1]['type'] == 'PackAVSInputs':
            keys = steps[-1].get('collect_keys', ('frames', 'log_mel'))
            steps[-1].collect_keys = [*keys, 'waveform']
    return DATASETS.build(loader.dataset)


def choose(dataset, args: argparse.Namespace) -> list[int]:
    """Positions of the clips to draw."""
    if args.clips is None:
        total = len(dataset)
        return list(range(min(args.num, total) if args.num > 0 else total))
    names = {dataset.get_data_info(i)['clip_id']: i
             for i in range(len(dataset))}
    unknown = [clip for clip in args.clips if clip not in names]
    if unknown:
        raise ValueError(f'the {args.split} split has no clip {unknown[0]!r}; '
                         f'its clips are called like {next(iter(names))!r}')
    return [names[clip] for clip in args.clips]


def draw(data: dict, visualizer: AVSVisualizer, out: Path,
         args: argparse.Namespace) -> None:
    inputs, sample = data['inputs'], data['data_samples']
    batch = {key: [value] for key, value in inputs.items()}
    waveform, sample_rate = clip_waveform(sample, batch, 0)
    frames = list(inputs['frames'].permute(0, 2, 3, 1).numpy())
    name = file_name(sample.clip_id)
    log_mel = inputs.get('log_mel')
    visualizer.add_datasample(
        name, frames, sample, log_mel=log_mel, waveform=waveform,
        sample_rate=sample_rate, show=args.show, wait_time=args.wait_time,
        out_file=out / f'{name}.png')
    if args.video:
        masks = sample.get('gt_sem_seg')
        colours = visualizer.class_colours() if len(
            visualizer.class_names()) > 2 else None
        write_clip_video(
            out / f'{name}.mp4', frames,
            None if masks is None else masks.numpy(), waveform=waveform,
            sample_rate=sample_rate, colours=colours,
            log_mel=None if log_mel is None else np.asarray(log_mel))


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config)
    merge_options(cfg, args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmavs'))
    dataset = build_dataset(cfg, args.split)
    out = Path(args.out_dir or Path('work_dirs', Path(args.config).stem,
                                    f'browse_{args.split}'))
    visualizer = AVSVisualizer('browse')
    visualizer.dataset_meta = dataset.metainfo
    positions = choose(dataset, args)
    bar = ProgressBar(len(positions))
    for position in positions:
        index = ClipIndex(position, seed=args.seed, epoch=args.epoch)
        draw(dataset[index], visualizer, out, args)
        bar.update()
    print(f'\n{len(positions)} clips of the {args.split} split: {out}')


if __name__ == '__main__':
    run_program(main)
