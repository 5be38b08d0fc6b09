# Copyright (c) OpenMMLab. All rights reserved.
"""Building models from configs and zoo names."""

import copy
import os

import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from torch import nn

from mmavs.io.checkpoint import load_checkpoint_file
from mmavs.registry import DATASETS, MODELS
from mmavs.utils.config import datasets_of, load_config, merge_options
from mmavs.utils.model_state import load_model_state

from .model_zoo import find_entry, is_config_path


def init_model(config: str | os.PathLike | Config,
               checkpoint: str | os.PathLike | None = None,
               device: str | torch.device = 'cpu',
               cfg_options: dict | None = None) -> nn.Module:
    """Build a model for inference.

    Args:
        config (str | PathLike | Config): A config file, its path, or a name
            of the zoo.
        checkpoint (str | PathLike, optional): Weights to load. Defaults to
            None: nothing is loaded; ``model.init_weights()`` reads the
            pretrained files that the config names.
        device (str | torch.device): Defaults to 'cpu'.
        cfg_options (dict, optional): Changes to the config, e.g.
            ``{'model.decode_head.num_classes': 2}``. Defaults to None.

    Returns:
        nn.Module: The model in eval mode, with ``cfg`` (its config) and
        ``dataset_meta`` (classes and palette).

    Raises:
        CheckpointError: If the checkpoint cannot be read safely or does not
            fit.
    """
    cfg = _as_config(config)
    merge_options(cfg, cfg_options)
    init_default_scope(cfg.get('default_scope') or 'mmavs')
    model = revert_sync_batchnorm(MODELS.build(cfg.model))
    model.dataset_meta = dataset_meta(cfg)
    if checkpoint is not None:
        _load(model, checkpoint)
    model.cfg = cfg
    return model.to(device).eval()


def get_model(name: str | os.PathLike | Config,
              pretrained: bool | str | os.PathLike = False,
              device: str | torch.device = 'cpu',
              cfg_options: dict | None = None) -> nn.Module:
    """Build a model of the zoo.

    Args:
        name (str | PathLike | Config): A name from :func:`list_models`, an
            alias, or a config.
        pretrained (bool | str | PathLike): True loads the published weights;
            a path or URL these. Defaults to False, random weights.
        device (str | torch.device): Defaults to 'cpu'.
        cfg_options (dict, optional): Changes to the config. Defaults to
            None.

    Returns:
        nn.Module: As :func:`init_model`.

    Raises:
        ValueError: If the zoo has no such model, or no weights for it.
    """
    checkpoint = None if isinstance(pretrained, bool) else pretrained
    if pretrained is True:
        if isinstance(name, Config) or is_config_path(name):
            raise ValueError('pretrained=True needs a name of the zoo; give '
                             'the path of the weights instead')
        entry = find_entry(str(name))
        if entry.weights is None:
            source = entry.converted_from
            how = (f'get {source["Weights"]} and convert it with '
                   f'{source["Code"]}' if source else f'train {entry.config}')
            raise ValueError(
                f'there are no weights of {entry.name} to download; {how}, '
                "then pass pretrained='PATH'")
        checkpoint = entry.weights
    return init_model(name, checkpoint, device, cfg_options)


def _as_config(config: str | os.PathLike | Config) -> Config:
    if isinstance(config, Config):
        return copy.deepcopy(config)
    if is_config_path(config):
        return load_config(config)
    return load_config(find_entry(str(config)).config)


def _load(model: nn.Module, path: str | os.PathLike) -> None:
    checkpoint = load_checkpoint_file(path)
    load_model_state(model, checkpoint, path, strict=True)
    meta = checkpoint.get('meta', {}).get('dataset_meta')
    if meta:
        model.dataset_meta = meta


def dataset_meta(cfg: Config) -> dict:
    """Return the ``METAINFO`` of a config's test set, or of another one."""
    for key in ('test_dataloader', 'val_dataloader', 'train_dataloader'):
        loader = cfg.get(key)
        if not loader:
            continue
        dataset = next(datasets_of(loader['dataset']))
        kind = dataset['type']
        cls = DATASETS.get(kind) if isinstance(kind, str) else kind
        return {**getattr(cls, 'METAINFO', {}),
                **(dataset.get('metainfo') or {})}
    return {}
