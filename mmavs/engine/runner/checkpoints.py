# Copyright (c) OpenMMLab. All rights reserved.
"""Which checkpoint of a work dir to go on from."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from mmavs.io.checkpoint import CheckpointError, load_checkpoint_file

_NUMBERED = re.compile(r'(?:epoch|iter)_(\d+)\.pth')
POINTER = 'last_checkpoint'


def find_checkpoints(work_dir: str | os.PathLike) -> list[Path]:
    """List the checkpoints of a training, newest first.

    Args:
        work_dir (str | PathLike): Folder with ``epoch_N.pth`` or
            ``iter_N.pth``; the file ``last_checkpoint`` may point to one
            elsewhere.

    Returns:
        list[Path]: Existing files, by falling N.
    """
    work_dir = Path(work_dir)
    pointed = []
    with suppress(OSError, UnicodeDecodeError, ValueError):
        path = Path((work_dir / POINTER).read_text().strip())
        # A work dir that was moved: the name still counts, not the folder.
        pointed = [p for p in (path, work_dir / path.name) if p.is_file()][:1]
    folders = {work_dir.resolve(), *(p.resolve().parent for p in pointed)}
    found: list[tuple[int, Path]] = []
    for folder in folders:
        if not folder.is_dir():
            continue
        for path in folder.iterdir():
            match = _NUMBERED.fullmatch(path.name)
            if match and path.is_file():
                found.append((int(match[1]), path))
    numbered = [path for _, path in
                sorted(found, key=lambda item: item[0], reverse=True)]
    known = {path.resolve() for path in numbered}
    return [p for p in pointed if p.resolve() not in known] + numbered


def read_newest(work_dir: str | os.PathLike, *, map_location='cpu',
                warn=print) -> tuple[Path, dict] | None:
    """Read the newest checkpoint that can be resumed from.

    Args:
        work_dir (str | PathLike): As in :func:`find_checkpoints`.
        map_location: As in :func:`torch.load`. Defaults to 'cpu'.
        warn (callable): Gets one line for each file that is skipped.
            Defaults to print.

    Returns:
        tuple[Path, dict] | None: The file and what it holds; None if there
        is no checkpoint at all.

    Raises:
        CheckpointError: If there are checkpoints and none can be used.
    """
    paths = find_checkpoints(work_dir)
    for path in paths:
        try:
            checkpoint = load_checkpoint_file(path, map_location=map_location)
            check_resumable(checkpoint, path)
        except CheckpointError as error:
            warn(f'skipping a checkpoint that cannot be resumed: {error}')
            continue
        return path, checkpoint
    if paths:
        raise CheckpointError(
            f'none of the {len(paths)} checkpoints in {work_dir} can be '
            'resumed from; move them away to start anew')
    return None


def check_resumable(checkpoint: dict, path: str | os.PathLike) -> None:
    """Check that a checkpoint holds a training's state, not only weights.

    Raises:
        CheckpointError: If something is missing.
    """
    keys = ('meta', 'state_dict', 'message_hub', 'optimizer')
    missing = [key for key in keys if not isinstance(checkpoint, dict)
               or key not in checkpoint]
    if missing:
        raise CheckpointError(
            f'{path} has no {", ".join(missing)}, so a training cannot be '
            'resumed from it; to start from its weights use '
            f'--cfg-options load_from={path} instead of --resume')


def remove_leftovers(work_dir: str | os.PathLike) -> Iterator[Path]:
    """Delete half-written checkpoints of killed runs; yield their paths."""
    for path in Path(work_dir).glob('.*.tmp.pth'):
        with suppress(OSError):
            path.unlink()
            yield path
