# Copyright (c) OpenMMLab. All rights reserved.
"""Writing files so that a reader never sees half of one."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any


@contextmanager
def atomic_write(path: str | os.PathLike, *, mode: str = 'wb',
                 encoding: str | None = None) -> Iterator[IO[Any]]:
    """Open a file that appears under its name only when it is complete.

    The data go to a temporary file in the same folder, which is flushed to
    the disk and renamed when the block ends. If the block raises, the
    temporary file is removed and what was at ``path`` stays as it was.
    Missing parent folders are made; a symbolic link is followed.

    Args:
        path (str | PathLike): The file to write.
        mode (str): 'wb' for bytes or 'w' for text. Defaults to 'wb'.
        encoding (str, optional): Of text; None means UTF-8. Defaults to
            None.

    Yields:
        IO: The open temporary file; its ``name`` is a real path, for
        writers that want one.

    Raises:
        ValueError: If ``mode`` is neither 'wb' nor 'w'.
    """
    if mode not in ('wb', 'w'):
        raise ValueError(f"mode must be 'wb' or 'w', got {mode!r}")
    if mode == 'w' and encoding is None:
        encoding = 'utf-8'
    target = Path(os.path.realpath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays last, as some writers choose the format by it.
    temporary = target.with_name(
        f'.{target.stem}.{os.getpid()}-{secrets.token_hex(4)}.tmp'
        f'{target.suffix}')
    try:
        with open(temporary, mode.replace('w', 'x'), encoding=encoding) as f:
            yield f
            # A writer that was given the name may have closed the handle.
            if not f.closed:
                f.flush()
                os.fsync(f.fileno())
        os.replace(temporary, target)
    except BaseException:
        with suppress(FileNotFoundError):
            temporary.unlink()
        raise
