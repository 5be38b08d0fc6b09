# Copyright (c) OpenMMLab. All rights reserved.
"""Audio embeddings on disk, for encoders that never change."""

import hashlib
import io
import json
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from .atomic import atomic_write
from .checkpoint import CheckpointError, is_url
from .download import download

# Raised when front end or encoders compute something else than before.
VERSION = 1
# Arguments that do not change what an encoder computes.
_NO_MATTER = ('init_cfg', 'chunk_size', 'frozen', 'allow_random')
_DIGEST = 32


class EmbeddingCache:
    """Embeddings by what they depend on, and nothing else.

    The name of an entry is made of the content of the sound file, the clip's
    length, the settings of the front end, the encoder with its arguments,
    and the content of the encoder's weight file. If one of them changes the
    entry is not found; nothing old is ever returned. Several processes may
    read and write at once: files appear when they are complete, and two that
    write one entry write the same.

    Args:
        folder (str | PathLike): Where the entries are; it may hold those of
            several encoders and be shared between runs and machines.
        encoder (Mapping): Config of a frozen audio encoder with
            ``init_cfg=dict(type='Pretrained', checkpoint=...)``.
        front_end (Mapping): Settings of ``LogMelSpectrogram``.

    Raises:
        ValueError: If the encoder is trained, or has no weight file.
        CheckpointError: If the weight file cannot be had.
    """

    def __init__(self, folder: str | os.PathLike, *, encoder: Mapping,
                 front_end: Mapping) -> None:
        self.settings = dict(
            version=VERSION, front_end=dict(front_end),
            encoder={key: _name(value) for key, value in encoder.items()
                     if key not in _NO_MATTER},
            weights=_hash_file(_weight_file(encoder)))
        text = json.dumps(self.settings, sort_keys=True)
        key = hashlib.sha256(text.encode()).hexdigest()[:24]
        self.folder = Path(folder).expanduser() / key

    def path(self, sound: bytes, kind: str, num_seconds: int) -> Path:
        """Where the embedding of a sound is, or would be.

        Args:
            sound (bytes): Content of the sound file.
            kind (str): How it is read, 'wav' or 'log_mel'.
            num_seconds (int): T of the clip.
        """
        name = hashlib.sha256(sound).hexdigest()
        return self.folder / name[:2] / f'{name}-{kind}-{num_seconds}.emb'

    def read(self, path: Path) -> np.ndarray | None:
        """Read an entry.

        Returns:
            np.ndarray | None: (T, N, E) float32; None if there is none, or
            it is damaged.
        """
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        digest, body = content[:_DIGEST], content[_DIGEST:]
        if hashlib.sha256(body).digest() != digest:
            return None
        return np.load(io.BytesIO(body), allow_pickle=False)

    def write(self, path: Path, embedding: np.ndarray) -> None:
        """Write an entry, (T, N, E) float32."""
        note = self.folder / 'settings.json'
        if not note.is_file():
            with atomic_write(note, mode='w') as file:
                json.dump(self.settings, file, indent=2, sort_keys=True)
        body = io.BytesIO()
        np.save(body, np.ascontiguousarray(embedding, np.float32))
        with atomic_write(path) as file:
            file.write(hashlib.sha256(body.getvalue()).digest())
            file.write(body.getvalue())


def same_encoder(one: Mapping, other: Mapping) -> bool:
    """Whether two encoder configs compute the same."""
    configs = []
    for cfg in (one, other):
        kept = {key: _name(value) for key, value in cfg.items()
                if key not in _NO_MATTER}
        configs.append((kept, _checkpoint(cfg)))
    return configs[0] == configs[1]


def _name(value: object) -> object:
    return value.__name__ if isinstance(value, type) else value


def _checkpoint(encoder: Mapping) -> str | None:
    return (encoder.get('init_cfg') or {}).get('checkpoint')


def _weight_file(encoder: Mapping) -> Path:
    name = _name(encoder.get('type'))
    checkpoint = _checkpoint(encoder)
    if not checkpoint or encoder.get('frozen') is False:
        raise ValueError(
            f'embeddings of {name} cannot be kept: the encoder must be '
            'frozen and start from a file (init_cfg=dict(type=\'Pretrained\','
            ' checkpoint=...)), as its weights must never change')
    if is_url(checkpoint):
        try:
            return download(checkpoint)
        except (OSError, ValueError) as error:
            raise CheckpointError(
                f'cannot download {checkpoint} ({error})') from None
    path = Path(checkpoint).expanduser()
    if not path.is_file():
        raise CheckpointError(f'checkpoint {path} of {name} does not exist')
    return path


def _hash_file(path: Path) -> str:
    status = path.stat()
    return _hash_content(str(path), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=16)
def _hash_content(path: str, size: int, time: int) -> str:
    """Hash a file once a process; size and time notice a new one."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
