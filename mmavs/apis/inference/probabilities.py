# Copyright (c) OpenMMLab. All rights reserved.
"""Probabilities of every mask in one archive."""

import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .output import Output, reopen
from .windows import Window


class ProbabilityArchive(Output):
    """``npz`` with ``times`` and an array (K, h, w) float16 per mask.

    The archive grows while the run goes on; its directory, which stands at
    the end, is written when it is complete.

    Args:
        path (Path): The file it ends up in.
        work (Path): Folder of the run.
    """

    def __init__(self, path: Path, work: Path) -> None:
        self.path = path
        self._work = work / 'probabilities.npz'
        self._zip: zipfile.ZipFile | None = None

    def resume(self, states: Sequence[dict]) -> None:
        """Open the file behind the last array that counts."""
        if states:
            self._open(states[-1]['bytes'])
        else:
            self._work.write_bytes(b'')
            self._open(0)

    def _open(self, size: int) -> None:
        self._file = reopen(self._work, size)
        self._zip = zipfile.ZipFile(self._file, 'w', zipfile.ZIP_DEFLATED,
                                    allowZip64=True)

    def _write(self, name: str, array: np.ndarray) -> list:
        """Add an array; return what the directory says of it."""
        info = zipfile.ZipInfo(f'{name}.npy')
        info.compress_type = zipfile.ZIP_DEFLATED
        with self._zip.open(info, 'w', force_zip64=True) as member:
            np.lib.format.write_array(member, array, allow_pickle=False)
        return [info.filename, info.header_offset, info.compress_size,
                info.file_size, info.CRC]

    def add(self, window: Window) -> dict:
        """Write the probabilities of the window."""
        entries = [
            self._write(f'mask_{index:06d}',
                        probabilities(scores).astype(np.float16))
            for index, scores in enumerate(window.scores, window.start)]
        self._file.flush()
        return dict(bytes=self._file.seek(0, os.SEEK_END), entries=entries,
                    times=window.times)

    def publish(self, states: Sequence[dict]) -> None:
        """Write times and directory, and move the file."""
        self.close()
        if not self._work.exists():
            return
        self._open(states[-1]['bytes'])
        for entry in (e for state in states for e in state['entries']):
            info = zipfile.ZipInfo(entry[0])
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16  # as open() sets it
            (info.header_offset, info.compress_size, info.file_size,
             info.CRC) = entry[1:]
            self._zip.filelist.append(info)
            self._zip.NameToInfo[info.filename] = info
        self._write('times', np.array(
            [time for state in states for time in state['times']]))
        self._zip.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self.close()
        os.replace(self._work, self.path)

    def close(self) -> None:
        """Let go of the file; what the archive adds to it is dropped."""
        try:
            if self._file is not None:
                self._zip.close()
        finally:
            super().close()


def probabilities(scores: np.ndarray) -> np.ndarray:
    """Scores (K, h, w) to probabilities: sigmoid for K = 1, else softmax."""
    scores = scores.astype(np.float32)
    if len(scores) == 1:
        return 1 / (1 + np.exp(-scores))
    scores = np.exp(scores - scores.max(axis=0, keepdims=True))
    return scores / scores.sum(axis=0, keepdims=True)
