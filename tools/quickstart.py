# Copyright (c) OpenMMLab. All rights reserved.
"""The quick start: synthetic data, training, two tests, pictures, a video.

Called by ``tools/quickstart.sh``, which makes the environment first.
"""

import argparse
import copy
import json
import shutil
import time
from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from PIL import Image

from mmavs.audio import read_wav
from mmavs.datasets.synthetic import write_synthetic
from mmavs.io import atomic_write
from mmavs.utils.command_line import run_program
from mmavs.utils.config import build_runner, datasets_of, load_config
from mmavs.visualization.clip_video import write_clip_video

ROOT = Path(__file__).resolve().parents[1]
CONFIG = 'configs/selm/selm_tiny_synthetic.py'
SHORT_CLIPS = dict(num_train=16, num_val=4, num_test=8)
# What a former run may have left in the output folder.
OLD = ('epoch_*.pth', 'best_*.pth', 'last_checkpoint', 'metrics_*.json',
       'summary.json', 'video.mp4', 'overlays/*.png')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='The quick start of mmavs')
    parser.add_argument('--config', default=CONFIG,
                        help='default: %(default)s')
    parser.add_argument('--short', action='store_true',
                        help='few clips and one epoch, to see that '
                        'everything runs; the numbers mean nothing')
    parser.add_argument('--started', type=float, default=time.time(),
                        help='when the whole program started (Unix time)')
    return parser.parse_args()


def prepare(args: argparse.Namespace) -> Config:
    """Write the data and set the config up for them."""
    name = 'quickstart_short' if args.short else 'quickstart'
    data = Path('data', 'synthetic_short' if args.short else 'synthetic')
    counts = SHORT_CLIPS if args.short else {}
    # A set of another version of mmavs is written anew; what this program
    # did not write is never replaced.
    written = write_synthetic(data, layouts=('ms3', ), overwrite=True,
                              **counts)
    say(f'data: {data} '
        f'({"written in" if written["written"] else "already there, checked"}'
        f' {written["seconds"]:.0f} s)')
    cfg = load_config(args.config)
    cfg.work_dir = str(Path('work_dirs', name))
    for old in OLD:
        for path in Path(cfg.work_dir).glob(old):
            path.unlink()
    for split in ('train', 'val', 'test'):
        for dataset in datasets_of(cfg[f'{split}_dataloader'].dataset):
            dataset.data_root = str(data / 'Multi-sources')
    if args.short:
        cfg.train_cfg.max_epochs = 1
        cfg.param_scheduler = None
        cfg.default_hooks.checkpoint.interval = 1
    return cfg


def train(cfg: Config) -> tuple[Path, float]:
    """Train; return the best checkpoint and the seconds it took."""
    start = time.time()
    runner = build_runner(cfg)
    runner.train()
    seconds = time.time() - start
    best = sorted(Path(runner.work_dir).glob('best_*.pth'))
    if not best:
        raise FileNotFoundError(f'the training left no best_*.pth in '
                                f'{runner.work_dir}')
    return best[-1], seconds


def test(cfg: Config, checkpoint: Path, audio: str, overlays: Path | None):
    """Test with some kind of sound; return the runner and its numbers."""
    cfg = copy.deepcopy(cfg)
    cfg.load_from, cfg.resume = str(checkpoint), False
    # Another visualizer than training's, whose folder is elsewhere.
    cfg.experiment_name = cfg.visualizer.name = f'quickstart-{audio}'
    for dataset in datasets_of(cfg.test_dataloader.dataset):
        dataset.audio_mode = audio
    if overlays is not None:
        cfg.default_hooks.visualization = dict(
            type='AVSVisualizationHook', draw=True, max_clips=8,
            test_out_dir=str(overlays))
    runner = build_runner(cfg)
    return runner, {key: float(value) for key, value in runner.test().items()}


def write_video(runner, path: Path) -> None:
    """Write the clip whose sounding object changes most, with its sound."""
    dataset = runner.test_dataloader.dataset
    clips = [predict(runner, dataset, index)
             for index in range(min(12, len(dataset)))]
    good = np.median([clip['iou'] for clip in clips])
    clip = max((clip for clip in clips if clip['iou'] >= good),
               key=lambda clip: clip['change'])
    sample = clip['sample']
    frames = [np.asarray(Image.open(name).convert('RGB'))
              for name in sample.frame_paths]
    waveform, sample_rate = read_wav(sample.audio_path)
    write_clip_video(
        path, frames, clip['masks'], targets=clip['targets'],
        waveform=np.asarray(waveform).T, sample_rate=sample_rate,
        log_mel=clip['log_mel'], height=256)


def predict(runner, dataset, index: int) -> dict:
    """Predict one clip and measure how good and how lively it is."""
    data = dataset[index]
    log_mel = data['inputs']['log_mel'].numpy()
    (sample, ) = runner.model.test_step(pseudo_collate([data]))
    masks = sample.pred_sem_seg.cpu().numpy() > 0  # (T, H, W)
    targets = sample.gt_sem_seg.cpu().numpy() > 0
    union = (masks | targets).sum()
    return dict(
        sample=sample, masks=masks.astype(np.uint8), log_mel=log_mel,
        targets=targets.astype(np.uint8),
        iou=(masks & targets).sum() / max(union, 1),
        change=(targets[1:] ^ targets[:-1]).mean())


def say(text: str) -> None:
    print(f'[quickstart] {text}', flush=True)


def main() -> None:
    args = parse_args()
    cfg = prepare(args)
    out = Path(cfg.work_dir)
    say(f'training {args.config}')
    checkpoint, train_seconds = train(cfg)
    say('testing with the true sound, then with the sound of other clips')
    runner, true = test(cfg, checkpoint, 'true', out / 'overlays')
    write_video(runner, out / 'video.mp4')
    _, swapped = test(cfg, checkpoint, 'swapped', None)
    # Both on frames with ground truth: there the sound decides.
    summary = dict(
        J=true['avsbench/J_nonempty'], F=true['avsbench/F'],
        J_swapped=swapped['avsbench/J_nonempty'],
        train_seconds=round(train_seconds, 1),
        total_seconds=round(time.time() - args.started, 1))
    with atomic_write(out / 'summary.json', mode='w') as file:
        json.dump(summary, file, indent=2)
        file.write('\n')
    with atomic_write(out / 'README.txt', mode='w') as file:
        file.write('Made by tools/quickstart.sh; overwritten by its next '
                   'run.\n')
    shutil.copyfile(checkpoint, out / 'best.pth')
    report(summary, out, args)


def report(summary: dict, out: Path, args: argparse.Namespace) -> None:
    print(f"""
{Path(args.config).stem} on held-out synthetic clips
  J, true sound        {summary['J']:.3f}   (mean IoU, frames with an object)
  J, swapped sound     {summary['J_swapped']:.3f}   (the sound of another clip)
  F, true sound        {summary['F']:.3f}
  training             {summary['train_seconds']:.0f} s
  all together         {summary['total_seconds']:.0f} s

  overlays             {out}/overlays/
  video with sound     {out}/video.mp4
  checkpoint           {out}/best.pth
  these numbers        {out}/summary.json

To test it again: .venv/bin/python tools/test.py {args.config} {out}/best.pth
""" + ('(a short run: the numbers mean nothing)\n' if args.short else ''))


if __name__ == '__main__':
    run_program(main)
