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

    def __init__(self, clip_id: str, path: str | os.PathLike = '',
                 problem: str = '') -> None:
        # PyTorch rebuilds the error of a worker from its text alone.
        text = clip_id
        if problem:
            text = f'clip {clip_id!r}: {os.fspath(path)}: {problem}'
        super().__init__(text)
        self.clip_id = clip_id
        self.path = os.fspath(path)
        self.problem = problem

    def __reduce__(self) -> tuple:
        return type(self), (self.clip_id, self.path, self.problem)
