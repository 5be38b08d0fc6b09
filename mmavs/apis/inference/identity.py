# Copyright (c) OpenMMLab. All rights reserved.
"""What a run depends on, so that no other one goes on with it."""

import json
import zlib
from itertools import chain

import torch
from mmengine.config import Config
from torch import nn


def model_identity(model: nn.Module, cfg: Config) -> dict:
    """Checksums of a model's config and of its weights.

    Args:
        model (nn.Module): With the weights in use.
        cfg (Config): Its config; where it came from does not matter.

    Returns:
        dict: ``model`` and ``weights``.
    """
    config = json.dumps([cfg.get('model'), cfg.get('test_dataloader')],
                        default=str, sort_keys=True)
    return dict(model=zlib.crc32(config.encode()), weights=_weights(model))


def _weights(model: nn.Module) -> int:
    check = 0
    # Not state_dict, which leaves out what is frozen.
    for name, tensor in chain(model.named_parameters(),
                              model.named_buffers()):
        check = zlib.crc32(name.encode(), check)
        content = tensor.detach().cpu().contiguous().reshape(-1)
        if len(content):
            check = zlib.crc32(content.view(torch.uint8).numpy(), check)
    return check


def differences(old: dict, new: dict) -> list[str]:
    """In words, what tells two runs apart.

    Args:
        old (dict): ``input``, ``model``, ``weights`` and ``options``.
        new (dict): The same.

    Returns:
        list[str]: Empty if they are one.
    """
    found = [f'the {key} {"are" if key == "weights" else "is"} not the same'
             for key in ('input', 'model', 'weights')
             if old.get(key) != new[key]]
    before = old.get('options') or {}
    return found + [
        f'{name} was {before.get(name)!r} and is now {value!r}'
        for name, value in new['options'].items()
        if before.get(name) != value]
