# Copyright (c) OpenMMLab. All rights reserved.
"""Masks as pictures and as run lengths."""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from mmavs.io.rle import encode_rle

from .output import Output, reopen
from .probabilities import probabilities
from .sources import ClipSource
from .windows import Window


class MaskImages(Output):
    """One PNG per mask, indexed colours: ``000000.png``, ...

    Args:
        path (Path): The folder they end up in.
        work (Path): Folder of the run.
        colours (Sequence[Sequence[int]]): RGB of each class.
    """

    def __init__(self, path: Path, work: Path,
                 colours: Sequence[Sequence[int]]) -> None:
        self.path = path
        self._work = work / 'masks'
        self._old = work / 'masks of an earlier run'
        self._palette = np.asarray(colours, np.uint8).tobytes()

    def resume(self, states: Sequence[dict]) -> None:
        """Make the folder."""
        self._work.mkdir(parents=True, exist_ok=True)

    def add(self, window: Window) -> dict:
        """Write the masks of the window."""
        for index, mask in enumerate(window.masks, window.start):
            image = Image.frombytes('P', mask.shape[::-1], mask.tobytes())
            image.putpalette(self._palette)
            image.save(self._work / f'{index:06d}.png', format='PNG')
        return {}

    def publish(self, states: Sequence[dict]) -> None:
        """Move the folder, in place of an older one."""
        if not self._work.exists():
            return
        if self.path.exists():
            shutil.rmtree(self._old, ignore_errors=True)
            os.replace(self.path, self._old)
        os.replace(self._work, self.path)


class RleJson(Output):
    """COCO-style JSON: a run-length mask per frame and class.

    Args:
        path (Path): The file it ends up in.
        work (Path): Folder of the run.
        source (ClipSource): The input.
        fps (int): Masks per second.
        names (Sequence[str]): Of the classes.
    """

    def __init__(self, path: Path, work: Path, source: ClipSource, *,
                 fps: int, names: Sequence[str]) -> None:
        self.path = path
        self._work = work / 'annotations.json'
        self._names = names
        self._head = dict(
            video=dict(name=source.name, height=source.size[0],
                       width=source.size[1], duration=source.duration,
                       masks_per_second=fps),
            categories=[dict(id=i, name=name)
                        for i, name in enumerate(names) if i])
        self._records = 0

    def resume(self, states: Sequence[dict]) -> None:
        """Open the file behind the last record that counts."""
        if states:
            self._file = reopen(self._work, states[-1]['bytes'])
            self._records = states[-1]['records']
        else:
            self._file = open(self._work, 'w+b')
            head = json.dumps(self._head)
            self._file.write(f'{head[:-1]}, "annotations": ['.encode())

    def add(self, window: Window) -> dict:
        """Write the masks of the window."""
        for offset, (time, mask) in enumerate(zip(window.times,
                                                  window.masks)):
            for kind in np.unique(mask[mask != 0]):
                record = self._record(window, offset, time, int(kind))
                text = json.dumps(record)
                self._file.write(
                    f'{"," if self._records else ""}\n{text}'.encode())
                self._records += 1
        self._file.flush()
        return dict(bytes=self._file.tell(), records=self._records)

    @staticmethod
    def _record(window: Window, offset: int, time: float,
                kind: int) -> dict:
        inside = window.masks[offset] == kind
        rows, columns = np.nonzero(inside)
        left, top = int(columns.min()), int(rows.min())
        return dict(
            frame=window.start + offset, time=round(time, 4),
            category_id=kind, segmentation=encode_rle(inside),
            area=int(inside.sum()),
            bbox=[left, top, int(columns.max()) - left + 1,
                  int(rows.max()) - top + 1],
            score=_score(window, offset, kind, inside))

    def publish(self, states: Sequence[dict]) -> None:
        """End the list and move the file."""
        self.close()
        if not self._work.exists():
            return
        with reopen(self._work, states[-1]['bytes']) as file:
            file.write(b'\n]}\n')
            file.flush()
            os.fsync(file.fileno())
        os.replace(self._work, self.path)


def _score(window: Window, offset: int, kind: int,
           inside: np.ndarray) -> float | None:
    """Mean probability of a class inside its mask."""
    if window.scores is None:
        return None
    chances = probabilities(window.scores[offset])
    chances = chances[0 if len(chances) == 1 else kind]
    if chances.shape != inside.shape:
        inside = np.asarray(Image.fromarray(inside).resize(
            chances.shape[::-1], Image.Resampling.NEAREST))
    if not inside.any():
        return None
    return round(float(chances[inside].mean()), 4)
