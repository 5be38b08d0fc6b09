# Copyright (c) OpenMMLab. All rights reserved.
"""Downloading a file once, whole, and checked."""

import hashlib
import os
import re
import shutil
import tempfile
import urllib.request
from pathlib import Path
from urllib.parse import urlparse

import torch
from mmengine.logging import print_log

_HASH = re.compile(r'-([0-9a-f]{8,64})\.[\w.]+$')


def download(url: str, *, folder: str | os.PathLike | None = None,
             timeout: float = 30.) -> Path:
    """Fetch ``url`` unless it is there already.

    The file appears under its name only when it is complete, so an
    interrupted download, or several processes at once, leave no broken file.

    Args:
        url (str): http(s) address. A file name ending in ``-xxxxxxxx`` (8 or
            more hex digits) is checked against its SHA-256.
        folder (str | os.PathLike, optional): Where to. Defaults to torch
            hub's cache of checkpoints.
        timeout (float): Seconds to wait for the server. Defaults to 30.

    Returns:
        Path: The local file.

    Raises:
        OSError: If the server cannot be reached.
        ValueError: If the checksum in the name does not fit the content.
    """
    if folder is None:
        folder = Path(torch.hub.get_dir()) / 'checkpoints'
    folder = Path(folder)
    name = Path(urlparse(url).path).name
    if not name:
        raise ValueError(f'{url} names no file')
    target = folder / name
    if target.is_file():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    print_log(f'downloading {url} to {target}', logger='current')
    handle, partial = tempfile.mkstemp(dir=folder, suffix='.part')
    try:
        with os.fdopen(handle, 'wb') as file:
            with urllib.request.urlopen(url, timeout=timeout) as reply:
                shutil.copyfileobj(reply, file, 1 << 20)
        _check_hash(Path(partial), name, url)
        os.replace(partial, target)
    finally:
        Path(partial).unlink(missing_ok=True)
    return target


def _check_hash(path: Path, name: str, url: str) -> None:
    expected = _HASH.search(name)
    if expected is None:
        return
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    if not digest.hexdigest().startswith(expected[1]):
        raise ValueError(f'what {url} delivers does not fit the checksum '
                         f'{expected[1]} in its name')
