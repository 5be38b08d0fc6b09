# Copyright (c) OpenMMLab. All rights reserved.
"""What all outputs have in common."""

from abc import ABC, abstractmethod
from contextlib import ExitStack
from pathlib import Path

from .windows import Window


class Output(ABC):
    """One kind of file; a context manager that is fed windows."""

    path: Path

    def __enter__(self) -> 'Output':
        self._stack = ExitStack()
        return self

    def __exit__(self, *error) -> bool | None:
        return self._stack.__exit__(*error)

    @abstractmethod
    def add(self, window: Window) -> None:
        """Write what belongs to the next window."""
