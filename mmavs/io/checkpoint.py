# Copyright (c) OpenMMLab. All rights reserved.
"""Reading checkpoints without running what they contain.

A ``.pth`` file is a pickle, and unpickling can run any code. Everything here
reads with ``torch.load(weights_only=True)`` and an allow-list of what MMEngine
writes beside the weights (log history, NumPy numbers). MMEngine's own loader
falls back to the unsafe way; :func:`install_safe_loader` replaces it.
"""

import os
import pickle
import re
import warnings
from pathlib import Path

import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader
from mmengine.utils import digit_version

from .download import download
from .numpy_stand_ins import numpy_stand_ins

UNSAFE_ENV = 'MMAVS_ALLOW_UNSAFE_LOAD'
_TRUE = ('1', 'true', 'yes', 'on')
_REMOTE = ('http://', 'https://')
# Schemes of MMEngine that end in an unsafe read.
_UNSAFE_SCHEMES = ['open-mmlab://', 'openmmlab://', 'mmcls://', 'pavi://',
                   r'(\S+\:)?s3://', r'(\S+\:)?petrel://']


class CheckpointError(RuntimeError):
    """A checkpoint cannot be used; the message is one line and says why."""


class CheckpointNotFoundError(CheckpointError, FileNotFoundError):
    """The checkpoint file or its URL cannot be reached."""

    __str__ = RuntimeError.__str__


def _history_method(owner, name: str):
    """Stand in for ``getattr``, by which log histories store methods."""
    if owner is not HistoryBuffer or name not in (
            'min', 'max', 'mean', 'current'):
        raise pickle.UnpicklingError('GLOBAL builtins.getattr')
    return getattr(HistoryBuffer, name)


def is_url(path: str | os.PathLike) -> bool:
    """Whether ``path`` is an http(s) URL."""
    return str(path).startswith(_REMOTE)


def load_checkpoint_file(path: str | os.PathLike, *,
                         map_location='cpu', hint: str = '') -> dict:
    """Read a checkpoint, never running code stored in it.

    Args:
        path (str | os.PathLike): A local ``.pth``/``.pt`` file, a
            ``.safetensors`` file, or an http(s) URL, which is downloaded to
            torch hub's cache once; a name that ends in ``-xxxxxxxx`` is
            checked against that start of its SHA-256.
        map_location: As in :func:`torch.load`. Defaults to 'cpu'.
        hint (str): Said after the message when the file cannot be had, e.g.
            which switch goes on without it. Defaults to ''.

    Returns:
        dict: What the file holds.

    Raises:
        CheckpointNotFoundError: If there is no such file, or the URL cannot
            be reached.
        CheckpointError: If the file is broken, fails its checksum, or holds
            anything that would have to be executed.
    """
    if is_url(path):
        try:
            local = download(str(path))
        except OSError as error:
            raise CheckpointNotFoundError(_line(
                f'cannot download {path} ({error}); with a copy at hand, '
                'put its path in the config instead', hint)) from None
        except ValueError as error:
            raise CheckpointError(_line(str(error), hint)) from None
    else:
        local = Path(path).expanduser()
        if not local.is_file():
            raise CheckpointNotFoundError(_line(
                f'checkpoint {path} does not exist', hint))
    if local.suffix == '.safetensors':
        return _read_safetensors(local, map_location)
    return _read_pickle(local, map_location)


def _line(message: str, hint: str) -> str:
    return f'{message}; {hint}' if hint else message


def _read_safetensors(path: Path, map_location) -> dict:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError:
        raise CheckpointError(f'{path} needs the safetensors package: '
                              'pip install safetensors') from None
    try:
        return load_file(path, device=str(map_location or 'cpu'))
    except SafetensorError as error:
        raise CheckpointError(f'{path} is not a valid safetensors file '
                              f'({error}); get it again') from None


def _read_pickle(path: Path, map_location) -> dict:
    if os.environ.get(UNSAFE_ENV, '').lower() in _TRUE:
        warnings.warn(f'{UNSAFE_ENV} is set: code stored in {path} will run',
                      stacklevel=3)
        return torch.load(path, map_location=map_location,
                          weights_only=False)
    if digit_version(torch.__version__) < digit_version('2.6'):
        # weights_only could be circumvented (CVE-2025-32434)
        raise CheckpointError(f'PyTorch {torch.__version__} cannot read '
                              f'{path} safely; upgrade to 2.6 or newer')
    allowed = [HistoryBuffer, (_history_method, 'builtins.getattr'), slice,
               *numpy_stand_ins()]
    try:
        with torch.serialization.safe_globals(allowed):
            return torch.load(path, map_location=map_location,
                              weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(_why_refused(path, str(error))) from None
    except OSError:
        raise
    except Exception as error:
        if 'TorchScript' in str(error):
            raise CheckpointError(
                f'{path} is a TorchScript program, not a checkpoint; save '
                'its state_dict() with torch.save') from None
        if 'CUDA' in str(error) and isinstance(error, RuntimeError):
            raise
        raise CheckpointError(
            f'{path} is broken or not a checkpoint '
            f'({type(error).__name__}); get it again') from None


def _why_refused(path: Path, reason: str) -> str:
    """One line on why the safe unpickler stopped."""
    found = re.search(r'GLOBAL ([\w.]+)', reason)
    if found is None and 'Unsupported class' not in reason and (
            'reduce' not in reason and 'REDUCE' not in reason):
        return f'{path} is broken or not a checkpoint; get it again'
    name = f' ({found[1]})' if found else ''
    return (f'{path} was refused: reading it would execute code stored in '
            f'it{name}; if you trust where it comes from, set '
            f'{UNSAFE_ENV}=1 for one run and save it again as plain weights')


def load_from_safe_reader(filename, map_location=None):
    return load_checkpoint_file(filename, map_location=map_location)


def load_from_torchvision(filename, map_location=None):
    from mmengine.runner.checkpoint import get_torchvision_models
    name = filename.split('://', 1)[1]
    urls = get_torchvision_models()
    if name not in urls:
        raise CheckpointError(f'torchvision has no weights named {name!r}')
    return load_checkpoint_file(urls[name], map_location=map_location)


def load_from_refused(filename, map_location=None):
    raise CheckpointError(
        f'{filename}: MMEngine reads this kind of address unsafely; '
        'download the file and give its path, or give its https:// URL')


def install_safe_loader() -> None:
    """Make MMEngine read checkpoints through :func:`load_checkpoint_file`.

    Called when mmavs is imported, so that ``Runner``, ``load_checkpoint`` and
    every ``Pretrained`` initialiser are safe. Calling it again is harmless.
    """
    register = CheckpointLoader.register_scheme
    register(prefixes=['', *_REMOTE], loader=load_from_safe_reader, force=True)
    register(prefixes=['torchvision://', 'modelzoo://'],
             loader=load_from_torchvision, force=True)
    register(prefixes=_UNSAFE_SCHEMES, loader=load_from_refused, force=True)
