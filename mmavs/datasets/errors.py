# Copyright (c) OpenMMLab. All rights reserved.
"""The error of a clip that cannot be read."""

import os


class ClipError(RuntimeError):
    """A file of one clip is missing, broken or does not fit the others.

    Args:
        clip_id (str): The clip.
        path (str | PathLike): The file.
        problem (str): What is wrong, and where known how to mend it.
    """

    def __init__(self, clip_id: str, path: str | os.PathLike,
                 problem: str) -> None:
        # All arguments go to the base, or workers could not send the error.
        super().__init__(clip_id, os.fspath(path), problem)
        self.clip_id = clip_id
        self.path = os.fspath(path)
        self.problem = problem

    def __str__(self) -> str:
        return f'clip {self.clip_id!r}: {self.path}: {self.problem}'
