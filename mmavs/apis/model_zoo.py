# Copyright (c) OpenMMLab. All rights reserved.
"""The model zoo: what ``model-index.yml`` lists."""

import difflib
import os
from fnmatch import fnmatch
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import yaml

import mmavs
from mmavs.io.checkpoint import is_url

INDEX = 'model-index.yml'


class ZooEntry(NamedTuple):
    """One model of the zoo.

    ``config`` is an existing path; ``weights`` a URL, the path of a file that
    ships with the package, or None where the weights have to be converted
    from the authors' file; ``converted_from`` says from which.
    """

    name: str
    config: Path
    weights: str | None
    converted_from: dict


def zoo_root() -> Path:
    """Return the folder with ``model-index.yml`` and ``configs``.

    In a clone it is the checkout, else ``mmavs/.mim``.

    Raises:
        FileNotFoundError: If the package was installed without its configs.
    """
    package = Path(mmavs.__file__).resolve().parent
    for root in (package.parent, package / '.mim'):
        if (root / INDEX).is_file() and (root / 'configs').is_dir():
            return root
    raise FileNotFoundError(
        f'no {INDEX} beside {package} nor in its .mim folder; install mmavs '
        'again with pip, from the checkout or a wheel')


@lru_cache(maxsize=4)
def _entries(root: Path) -> tuple[dict[str, ZooEntry], dict[str, str]]:
    entries, aliases = {}, {}
    index = yaml.safe_load((root / INDEX).read_text(encoding='utf-8'))
    for name in index['Import']:
        content = yaml.safe_load((root / name).read_text(encoding='utf-8'))
        for model in content['Models']:
            entry = ZooEntry(
                name=model['Name'], config=root / model['Config'],
                weights=_locate(root, model.get('Weights')),
                converted_from=model.get('Converted From') or {})
            entries[entry.name] = entry
            aliases.update((alias, entry.name)
                           for alias in model.get('Alias') or ())
    return entries, aliases


def _locate(root: Path, weights: str | None) -> str | None:
    """Weights named by a path ship beside the configs."""
    if weights is None or is_url(weights):
        return weights
    return os.fspath(root / weights)


def list_models(pattern: str | None = None) -> list[str]:
    """List the names of the zoo.

    Args:
        pattern (str, optional): A pattern such as ``selm*`` or ``*ms3``.
            Defaults to None, all.

    Returns:
        list[str]: Sorted names, for :func:`get_model`.
    """
    entries, _ = _entries(zoo_root())
    return sorted(name for name in entries
                  if pattern is None or fnmatch(name, pattern))


def find_entry(name: str) -> ZooEntry:
    """Find a model of the zoo by its name or alias.

    Raises:
        ValueError: If there is none; the message names similar ones.
    """
    entries, aliases = _entries(zoo_root())
    entry = entries.get(aliases.get(name, name))
    if entry is None:
        close = difflib.get_close_matches(name, [*entries, *aliases], n=3,
                                          cutoff=0.3)
        raise ValueError(
            f'the zoo has no model {name!r}; similar: '
            f'{", ".join(close) or "none"}; mmavs.apis.list_models() lists '
            'all')
    return entry


def is_config_path(name: str | os.PathLike) -> bool:
    """Whether ``name`` is meant as a config file, not a name of the zoo."""
    return Path(name).suffix in ('.py', '.json', '.yml', '.yaml')
