# Copyright (c) OpenMMLab. All rights reserved.
"""Changes that the command-line programs make to a config."""

import os
from collections.abc import Iterator
from pathlib import Path

from mmengine.config import Config

from mmavs.registry import RUNNERS


def load_config(path: str | os.PathLike) -> Config:
    """Read a config file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a Python, JSON or YAML file.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'config {path} does not exist')
    if path.suffix not in ('.py', '.json', '.yml', '.yaml'):
        raise ValueError(f'config {path} must be a .py, .json, .yml or .yaml '
                         'file')
    return Config.fromfile(str(path))


def set_work_dir(cfg: Config, work_dir: str | None) -> None:
    """Set ``work_dir``: the command line, the config, then the name."""
    if work_dir is not None:
        cfg.work_dir = work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs') / Path(cfg.filename).stem)


def merge_options(cfg: Config, options: dict | None) -> None:
    """Merge ``--cfg-options``; they win over everything else."""
    if options:
        cfg.merge_from_dict(options)


def use_amp(cfg: Config, dtype: str) -> None:
    """Switch the optimiser wrapper of a config to mixed precision.

    Raises:
        ValueError: If the config has a wrapper of its own kind, which cannot
            be exchanged.
    """
    wrapper = cfg.get('optim_wrapper') or {}
    kind = wrapper.get('type', 'OptimWrapper')
    name = kind if isinstance(kind, str) else kind.__name__
    if name not in ('OptimWrapper', 'AmpOptimWrapper', 'AVSAmpOptimWrapper'):
        raise ValueError(f'--amp cannot replace optim_wrapper.type={name}; '
                         'set its precision in the config')
    wrapper['type'] = 'AVSAmpOptimWrapper'
    wrapper['dtype'] = dtype
    cfg.optim_wrapper = wrapper


def datasets_of(dataset: dict) -> Iterator[dict]:
    """Yield the data sets inside wrappers such as ``ConcatDataset``."""
    inner = dataset.get('datasets')
    if inner is None:
        inner = [dataset['dataset']] if 'dataset' in dataset else None
    if inner is None:
        yield dataset
        return
    for item in inner:
        yield from datasets_of(item)


def build_runner(cfg: Config):
    """Build the runner a config asks for, :class:`AVSRunner` by default.

    Raises:
        ValueError: If a training is to be resumed by a runner that would
            execute the config text that a checkpoint holds.
    """
    from mmavs.engine.runner import AVSRunner
    cfg.setdefault('runner_type', 'AVSRunner')
    runner = RUNNERS.get(cfg.runner_type)
    if cfg.get('resume') and runner is not None and (
            not issubclass(runner, AVSRunner)):
        raise ValueError(
            f'runner_type={cfg.runner_type!r} runs the config text stored '
            'in a checkpoint when it resumes; set runner_type=\'AVSRunner\', '
            'or a subclass of it')
    check_cached_audio(cfg)
    return RUNNERS.build(cfg)


def check_cached_audio(cfg: Config) -> None:
    """Check that cached audio embeddings are those of the model's encoder.

    Raises:
        ValueError: If they are another encoder's.
    """
    from mmavs.io.embedding_cache import same_encoder
    model = cfg.model.get('module') or cfg.model  # inside one for TTA
    encoder = model.get('audio_encoder')
    for split in ('train', 'val', 'test'):
        loader = cfg.get(f'{split}_dataloader')
        for dataset in datasets_of(loader.dataset) if loader else ():
            for step in dataset.get('pipeline') or ():
                kind = getattr(step['type'], '__name__', step['type'])
                if kind == 'LoadAudioEmbedding' and encoder and (
                        not same_encoder(step.encoder, encoder)):
                    raise ValueError(
                        f'{split}_dataloader reads embeddings of '
                        f'{dict(step.encoder)}, but the model has '
                        f'{dict(encoder)}; LoadAudioEmbedding(encoder=...) '
                        'must be model.audio_encoder')
