# Copyright (c) OpenMMLab. All rights reserved.
"""Compute the audio embeddings that a config reads from a cache.

python tools/misc/cache_audio.py CONFIG [--splits train val test]

Only what is missing is computed, so it goes on where it was stopped, and
several of these programs may work on one cache at once.
"""

import argparse

import numpy as np
import torch
from mmengine.config import DictAction
from mmengine.registry import init_default_scope
from torch.utils.data import DataLoader, Dataset

from mmavs.datasets import ClipError
from mmavs.datasets.transforms.load_embedding import LoadAudioEmbedding
from mmavs.io.embedding_cache import same_encoder
from mmavs.registry import DATASETS, MODELS, TRANSFORMS
from mmavs.utils.command_line import run_program
from mmavs.utils.config import datasets_of, load_config, merge_options


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Compute the audio embeddings that a config reads from '
        'a cache (LoadAudioEmbedding)')
    parser.add_argument('config', help='config file')
    parser.add_argument('--splits', nargs='+', default=('train', 'val',
                                                        'test'),
                        choices=('train', 'val', 'test'),
                        help='which data loaders; default: all')
    parser.add_argument('--device', default='cuda' if
                        torch.cuda.is_available() else 'cpu')
    parser.add_argument('--workers', type=int, default=2,
                        help='processes that read sounds; default: 2')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction,
                        metavar='KEY=VALUE', help='change config values')
    return parser.parse_args()


class MissingSounds(Dataset):
    """Log-mels of the clips that have no entry yet."""

    def __init__(self, dataset, step: LoadAudioEmbedding) -> None:
        self.dataset = dataset
        self.step = step
        self.steps = [TRANSFORMS.build(dict(type='LoadClipAudio')),
                      TRANSFORMS.build(dict(type='LogMelSpectrogram',
                                            **step.front_end))]

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int):
        """Return (entry, log-mel), None if it is there, or the error."""
        info = self.dataset.get_data_info(index)
        try:
            path = self.step.entry(info)
            if self.step.cache.read(path) is not None:
                return None
            for step in self.steps:
                info = step(info)
        except ClipError as error:
            return str(error)
        return path, info['log_mel']


def find_steps(cfg, splits):
    """Data sets with a cached embedding, and that step of theirs."""
    for split in splits:
        loader = cfg.get(f'{split}_dataloader')
        for dataset in datasets_of(loader.dataset) if loader else ():
            for step in dataset.pipeline:
                kind = getattr(step['type'], '__name__', step['type'])
                if kind == 'LoadAudioEmbedding':
                    yield split, dataset, step


@torch.inference_mode()
def fill(sounds: MissingSounds, encoder, args) -> tuple[int, int, list[str]]:
    """Compute what is missing: (present, computed, problems)."""
    # Clip by clip, so that nothing depends on what is there already.
    loader = DataLoader(sounds, batch_size=4, num_workers=args.workers,
                        collate_fn=list)
    present, computed, problems = 0, 0, []
    for batch in loader:
        present += sum(item is None for item in batch)
        problems += [item for item in batch if isinstance(item, str)]
        work = [item for item in batch if isinstance(item, tuple)]
        for path, log_mel in work:
            patches = torch.from_numpy(log_mel).to(args.device)
            found = encoder(patches.flatten(0, 1))  # (T*N, E)
            embedding = found.unflatten(0, patches.shape[:2]).cpu().numpy()
            if not np.isfinite(embedding).all():
                problems.append(f'{path}: the encoder gave values that are '
                                'not finite')
                continue
            sounds.step.cache.write(path, embedding)
            computed += 1
    return present, computed, problems


def main() -> int:
    args = parse_args()
    cfg = load_config(args.config)
    merge_options(cfg, args.cfg_options)
    init_default_scope('mmavs')
    steps = list(find_steps(cfg, args.splits))
    if not steps:
        raise ValueError(
            f'{args.config} has no LoadAudioEmbedding in its pipelines; see '
            'docs/en/user_guides/data.md')
    encoders: list[tuple[dict, object]] = []
    failed = 0
    for split, dataset, options in steps:
        step = TRANSFORMS.build(options)
        match = [built for known, built in encoders
                 if same_encoder(known, options.encoder)]
        if not match:
            encoder = MODELS.build(options.encoder)
            encoder.init_weights()
            match = [encoder.to(args.device).eval()]
            encoders.append((options.encoder, match[0]))
        sounds = MissingSounds(
            DATASETS.build(dict(dataset, pipeline=[], lazy_init=False)), step)
        present, computed, problems = fill(sounds, match[0], args)
        print(f'{split}: {computed} embeddings computed, {present} were '
              f'there, {len(problems)} sounds cannot be read; '
              f'{step.cache.folder}')
        for problem in problems:
            print(f'  {problem}')
        failed += len(problems)
    return int(failed > 0)


if __name__ == '__main__':
    run_program(main)
