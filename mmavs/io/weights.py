# Copyright (c) OpenMMLab. All rights reserved.
"""Putting a checkpoint's weights into a module, saying what did not fit."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor, nn

from .checkpoint import CheckpointError, load_checkpoint_file

# Where trainers put the weights, in the order in which they are looked for.
_CONTAINERS = ('state_dict', 'model_state_dict', 'state_dict_ema',
               'model_ema', 'model', 'module')
_SHOWN = 6


@dataclass
class LoadReport:
    """What :func:`load_weights` did.

    Attributes:
        loaded (list[str]): Names that were set.
        missing (list[str]): Names of the module the file lacks.
        unexpected (list[str]): Names of the file the module lacks.
        ignored (list[str]): Unexpected names that were to be ignored.
    """

    loaded: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        parts = [f'{len(self.loaded)} tensors loaded']
        for title in ('missing', 'unexpected', 'ignored'):
            names = getattr(self, title)
            if names:
                parts.append(f'{len(names)} {title}: {shorten(names)}')
        return ', '.join(parts)


def shorten(names: Sequence[str]) -> str:
    """List the first names and count the rest."""
    text = ', '.join(list(names)[:_SHOWN])
    rest = len(names) - _SHOWN
    return f'{text} and {rest} more' if rest > 0 else text


def find_state_dict(checkpoint: Mapping, path='the checkpoint'
                    ) -> dict[str, Tensor]:
    """The weights inside a checkpoint, whatever trainer wrote it.

    Args:
        checkpoint (Mapping): What the file holds.
        path: Named in errors. Defaults to 'the checkpoint'.

    Returns:
        dict[str, Tensor]: Name to tensor; a leading ``module.`` that every
        name shares (data-parallel wrappers) is dropped.

    Raises:
        CheckpointError: If no mapping of names to tensors is found.
    """
    found = checkpoint
    for key in _CONTAINERS:
        if isinstance(found, Mapping) and isinstance(
                found.get(key), Mapping):
            found = found[key]
            break
    weights = {} if not isinstance(found, Mapping) else {
        name: value for name, value in found.items()
        if isinstance(name, str) and isinstance(value, Tensor)}
    if not weights:
        raise CheckpointError(f'{path} holds no weights: expected names and '
                              f'tensors, at the top or under one of '
                              f'{", ".join(_CONTAINERS)}')
    return strip_prefix(weights, 'module.')


def strip_prefix(weights: Mapping[str, Tensor], prefix: str
                 ) -> dict[str, Tensor]:
    """Drop a prefix if every name has it."""
    if prefix and all(name.startswith(prefix) for name in weights):
        return {name[len(prefix):]: value for name, value in weights.items()}
    return dict(weights)


def own_tensors(module: nn.Module) -> dict[str, Tensor]:
    """Parameters and persistent buffers, whatever ``state_dict`` hides."""
    own = dict(module.named_parameters(remove_duplicate=False))
    for prefix, part in module.named_modules(remove_duplicate=False):
        dot = f'{prefix}.' if prefix else ''
        own.update({dot + name: value
                    for name, value in part._buffers.items()
                    if value is not None
                    and name not in part._non_persistent_buffers_set})
    return own


def load_weights(module: nn.Module, path: str | os.PathLike, *,
                 prefix: str | None = None, strict: bool = True,
                 ignore: Sequence[str] = (),
                 convert: Callable[[dict], dict] | None = None,
                 hint: str = '') -> LoadReport:
    """Load a file's weights into a module.

    Args:
        module (nn.Module): Receives the weights.
        path (str | os.PathLike): As in :func:`load_checkpoint_file`.
        prefix (str, optional): Take only names with this prefix, without
            it. Defaults to None, which takes all.
        strict (bool): Whether names that only one side has are an error;
            shapes that differ always are. Defaults to True.
        ignore (Sequence[str]): Regular expressions of file names that may be
            left over, for instance a classifier's. Defaults to ().
        convert (Callable, optional): Applied to the weights before loading,
            for instance to rename them. Defaults to None.
        hint (str): Which switch goes on without the file. Defaults to ''.

    Returns:
        LoadReport: What was loaded and what was left over.

    Raises:
        CheckpointError: If the file cannot be read, has nothing for the
            module, or does not fit it.
    """
    weights = find_state_dict(load_checkpoint_file(path, hint=hint), path)
    if prefix:
        dotted = prefix if prefix.endswith('.') else f'{prefix}.'
        weights = {name[len(dotted):]: value
                   for name, value in weights.items()
                   if name.startswith(dotted)}
        if not weights:
            raise CheckpointError(f'{path} has no weights under {dotted!r}')
    if convert is not None:
        weights = convert(weights)
    own = own_tensors(module)
    report = LoadReport(
        loaded=[name for name in weights if name in own],
        missing=[name for name in own if name not in weights
                 and not name.endswith('num_batches_tracked')])
    for name in weights:
        if name not in own:
            known = any(re.search(pattern, name) for pattern in ignore)
            (report.ignored if known else report.unexpected).append(name)
    problems = _problems(weights, own, report, strict)
    if problems:
        raise CheckpointError(
            f'{path} does not fit {type(module).__name__}: {problems}')
    module.load_state_dict(
        {name: weights[name] for name in report.loaded}, strict=False)
    return report


def _problems(weights: dict, own: dict, report: LoadReport,
              strict: bool) -> str:
    if not report.loaded:
        return (f'none of its names occurs in the module (it has '
                f'{shorten(list(weights))}; wanted {shorten(list(own))})')
    problems = [
        f'{name} has shape {tuple(weights[name].shape)}, wanted '
        f'{tuple(own[name].shape)}' for name in report.loaded
        if weights[name].shape != own[name].shape]
    if strict and report.missing:
        problems.append(f'missing {shorten(report.missing)}')
    if strict and report.unexpected:
        problems.append(f'unexpected {shorten(report.unexpected)}')
    return '; '.join(problems[:_SHOWN])
