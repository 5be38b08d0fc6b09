# Copyright (c) OpenMMLab. All rights reserved.
"""What the converters of backbones have in common: read, fit, write."""

import argparse
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from ..atomic import atomic_write
from ..checkpoint import CheckpointError, load_checkpoint_file
from ..weights import find_state_dict


def save_weights(weights: Mapping[str, Tensor], path: str) -> None:
    """Write a state dict so that no reader sees half of it."""
    with atomic_write(path) as file:
        torch.save(dict(weights), file)


def fitting_model(weights: Mapping[str, Tensor], names: Sequence[str]) -> str:
    """Which timm model has just these tensors.

    Args:
        weights (Mapping[str, Tensor]): In timm's names.
        names (Sequence[str]): Candidates.

    Returns:
        str: The first that fits.

    Raises:
        CheckpointError: If none does.
    """
    from mmavs.models.backbones import TimmBackbone
    found = {name: value.shape for name, value in weights.items()
             if not name.endswith('num_batches_tracked')}
    for name in names:
        with torch.device('meta'):
            wanted = TimmBackbone(name).model.state_dict()
        if found == {key: value.shape for key, value in wanted.items()
                     if not key.endswith('num_batches_tracked')}:
            return name
    raise CheckpointError(f'these weights fit none of {", ".join(names)}')


def convert_backbone(description: str, names: Sequence[str],
                     convert: Callable[[Mapping], dict]) -> None:
    """Run a converter: SOURCE to DESTINATION, checked against timm.

    Args:
        description (str): Shown by ``--help``.
        names (Sequence[str]): timm models the result may be of.
        convert (Callable): State dict to state dict.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('source', help='file or https:// address')
    parser.add_argument('destination', help='file to write')
    args = parser.parse_args()
    weights = convert(find_state_dict(
        load_checkpoint_file(args.source), args.source))
    name = fitting_model(weights, names)
    save_weights(weights, args.destination)
    print(f'{args.destination}: {len(weights)} tensors of {name}; use it by\n'
          f"backbone=dict(type='TimmBackbone', model_name='{name}', init_cfg="
          f"dict(type='Pretrained', checkpoint='{args.destination}'))")
