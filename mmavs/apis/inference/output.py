# Copyright (c) OpenMMLab. All rights reserved.
"""What all outputs have in common."""

import errno
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mmavs.io.atomic import atomic_write

from .windows import Window


class Output(ABC):
    """One kind of output of one input, written window by window.

    While a run goes on, files lie in a folder of the run. After each window
    the output returns, as plain JSON, what it needs to go on from there in
    another process. Files get their final names when all is done.

    Attributes:
        path (Path): The final name.
    """

    path: Path
    _file: IO[bytes] | None = None

    @abstractmethod
    def resume(self, states: Sequence[dict]) -> None:
        """Get ready to add the windows that follow.

        Args:
            states (Sequence[dict]): What :meth:`add` returned for each of
                the windows before; what was written after that is dropped.
        """

    @abstractmethod
    def add(self, window: Window) -> dict:
        """Write what belongs to the next window.

        Returns:
            dict: The state, for JSON.
        """

    @abstractmethod
    def publish(self, states: Sequence[dict]) -> None:
        """Put the complete output under its final name.

        Does nothing if that was done before.

        Args:
            states (Sequence[dict]): Of all windows.
        """

    def close(self) -> None:
        """Let go of the open file, if there is one."""
        file, self._file = self._file, None
        if file is not None:
            file.close()


def reopen(path: Path, size: int) -> IO[bytes]:
    """Open a file to go on writing behind its first ``size`` bytes.

    Raises:
        ValueError: If it is shorter, as after a power cut.
    """
    file = open(path, 'r+b')
    have = file.seek(0, os.SEEK_END)
    if have < size:
        file.close()
        raise ValueError(f'{path}: holds {have} of the {size} bytes written '
                         'before; start again without resume')
    file.truncate(size)
    file.seek(size)
    return file


def unique_stems(names: Sequence[str]) -> Iterator[str]:
    """File names for outputs: no two alike."""
    seen: dict[str, int] = {}
    for name in names:
        count = seen.get(name, 0)
        seen[name] = count + 1
        yield name if count == 0 else f'{name}-{count + 1}'


@contextmanager
def full_disk_is_named(folder: str | os.PathLike | None) -> Iterator[None]:
    """Say of a full disk what to do.

    Raises:
        OSError: With the number of the error that the block raised.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        full = OSError(
            f'{folder}: the disk is full; make room and go on with resume '
            '(--resume), or choose another out_dir')
        full.errno = error.errno
        raise full from error


def check_folder(folder: str | os.PathLike) -> Path:
    """Make an output folder and see that it can be written to.

    Raises:
        PermissionError: If it cannot.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(folder / '.write-test') as file:
            file.write(b'')
        (folder / '.write-test').unlink()
    except OSError as error:
        raise PermissionError(
            f'{folder}: cannot be written to ({error.strerror}); choose '
            'another out_dir') from error
    return folder
