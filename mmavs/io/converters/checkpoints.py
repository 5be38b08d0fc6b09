# Copyright (c) OpenMMLab. All rights reserved.
"""Writing converted models, checked against the model they are for."""

import hashlib
import os
from collections.abc import Mapping

import torch
from torch import Tensor

from mmavs.version import __version__

from ..atomic import atomic_write
from ..checkpoint import CheckpointError

_LISTED = 40


def check_fit(weights: Mapping[str, Tensor], wanted: Mapping[str, Tensor],
              what: str) -> None:
    """Refuse weights that are not exactly a model's.

    Args:
        weights (Mapping[str, Tensor]): In our names.
        wanted (Mapping[str, Tensor]): The model's ``state_dict``.
        what (str): What is compared, for the message.

    Raises:
        CheckpointError: Listing missing and unexpected names, and shapes
            that differ.
    """
    missing = sorted(set(wanted) - set(weights))
    unexpected = sorted(set(weights) - set(wanted))
    shapes = [
        f'{name} is {tuple(weights[name].shape)} and should be '
        f'{tuple(wanted[name].shape)}' for name in sorted(weights)
        if name in wanted and weights[name].shape != wanted[name].shape]
    problems = [f'{len(names)} {title}: {_listed(names)}'
                for title, names in (
                    ('missing', missing), ('unexpected', unexpected),
                    ('of another shape', shapes)) if names]
    if problems:
        raise CheckpointError(f'{what} do not fit: ' + '; '.join(problems))


def _listed(names: list[str]) -> str:
    rest = len(names) - _LISTED
    more = [f'and {rest} more'] if rest > 0 else []
    return ', '.join(names[:_LISTED] + more)


def save_model(weights: Mapping[str, Tensor], path: str | os.PathLike, *,
               config: str, source: str | os.PathLike) -> None:
    """Write a checkpoint that the test program and ``init_model`` read.

    Args:
        weights (Mapping[str, Tensor]): The model's, in our names.
        path (str | PathLike): The file to write; appears when complete.
        config (str): Name of the config it belongs to.
        source (str | PathLike): The converted file; its name and SHA-256 go
            into the meta data.
    """
    meta = dict(
        mmavs_version=__version__, config=config,
        source=os.path.basename(source), source_sha256=sha256_of(source))
    weights = {name: value.clone() for name, value in weights.items()}
    with atomic_write(path) as file:
        torch.save(dict(meta=meta, state_dict=weights), file)


def sha256_of(path: str | os.PathLike) -> str:
    """SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
