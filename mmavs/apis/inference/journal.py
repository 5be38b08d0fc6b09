# Copyright (c) OpenMMLab. All rights reserved.
"""What a run has done so far, for the one that goes on."""

import json
import os
from pathlib import Path
from typing import IO


class Journal:
    """A file with a line of JSON for the run and one for each window.

    A line counts when it is complete, so that a process may be killed at any
    time.

    Args:
        path (Path): The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] | None = None

    def read(self) -> tuple[dict, list[dict]] | None:
        """What the run is, and its windows; None if nothing was begun."""
        lines, _ = self._lines()
        return (lines[0], lines[1:]) if lines else None

    def _lines(self) -> tuple[list[dict], int]:
        """The complete lines, and the number of their bytes."""
        lines, size = [], 0
        if self.path.exists():
            for line in self.path.read_bytes().splitlines(keepends=True):
                try:
                    lines.append(json.loads(line))
                except ValueError:
                    break
                if not line.endswith(b'\n'):
                    del lines[-1]
                    break
                size += len(line)
        return lines, size

    def begin(self, run: dict) -> None:
        """Start a new file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = open(self.path, 'wb')
        self.append(run)

    def go_on(self) -> None:
        """Open the file behind its last complete line."""
        _, size = self._lines()
        self._file = open(self.path, 'r+b')
        self._file.truncate(size)
        self._file.seek(size)

    def append(self, line: dict) -> None:
        """Write a line, down to the disk."""
        self._file.write(json.dumps(line).encode() + b'\n')
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None
