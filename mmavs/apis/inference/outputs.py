# Copyright (c) OpenMMLab. All rights reserved.
"""Files an inferencer writes while it goes through a video."""

import json
import os
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from mmavs.audio import SAMPLE_RATE
from mmavs.io.atomic import atomic_write
from mmavs.io.rle import encode_rle
from mmavs.structures import AVSDataSample
from mmavs.video.writer import VideoWriter
from mmavs.visualization import AVSVisualizer
from mmavs.visualization.overlay import MaskPainter, resize_frame
from mmavs.visualization.palette import voc_palette
from mmavs.visualization.text import draw_text

from .sources import ClipSource
from .windows import Window

OUTPUTS = ('video', 'masks', 'json', 'npz', 'sheet')


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


class OverlayVideo(Output):
    """All frames of the source with masks over them, and its sound.

    A frame gets the mask of the 1/N second it lies in; N masks a second.
    """

    def __init__(self, path: Path, source: ClipSource, *, fps: int,
                 colours: Sequence[Sequence[int]], names: Sequence[str],
                 alpha: float = 0.5) -> None:
        self.path = path
        self._source, self._fps = source, fps
        self._colours, self._names, self._alpha = colours, names, alpha

    def __enter__(self) -> 'OverlayVideo':
        super().__enter__()
        source = self._source
        self._writer = self._stack.enter_context(VideoWriter(
            self.path, size=source.size, fps=source.fps,
            sample_rate=source.sample_rate, channels=source.channels or 1,
            variable_rate=True, keep_partial=True))
        self._frames = source.frames()
        self._next = next(self._frames, None)
        self._sound = source.sound()
        self._heard = source.sound_start
        self._painted, self._paint = -1, None
        return self

    def add(self, window: Window) -> None:
        """Write the frames up to the end of the window."""
        stop = window.start + len(window.masks)
        while self._next is not None:
            time, frame = self._next
            index = int(time * self._fps + 1e-6)
            if index >= stop and not window.final:
                break
            index = min(max(index, window.start), stop - 1)
            mask = window.masks[index - window.start]
            if index != self._painted:
                self._painted, self._paint = index, MaskPainter(
                    mask, self._colours, frame.shape[:2], alpha=self._alpha)
                self._seen = np.unique(mask[mask != 0])
            self._play_until(time + 1)
            self._writer.write_frame(
                self._label(self._paint(frame)),
                time=time - self._source.sound_start)
            self._next = next(self._frames, None)
        if window.final:
            self._play_until(float('inf'))

    def _play_until(self, time: float) -> None:
        while self._heard < time:
            block = next(self._sound, None)
            if block is None:
                self._heard = float('inf')
                return
            self._writer.write_audio(block)
            self._heard += len(block) / self._source.sample_rate

    def _label(self, picture: np.ndarray) -> np.ndarray:
        """Name the classes in a corner, if there is more than one."""
        size = max(12, picture.shape[0] // 28)
        seen = self._seen if len(self._names) > 2 else ()
        for line, index in enumerate(seen):
            draw_text(picture, self._names[index],
                      (size // 2, size // 2 + line * (size + 8)), size=size,
                      colour=tuple(int(c) for c in self._colours[index]),
                      shade=True)
        return picture


class MaskImages(Output):
    """One PNG per mask, indexed colours: ``000000.png``, ..."""

    def __init__(self, path: Path,
                 colours: Sequence[Sequence[int]]) -> None:
        self.path = path
        self._palette = np.asarray(colours, np.uint8).tobytes()

    def __enter__(self) -> 'MaskImages':
        self.path.mkdir(parents=True, exist_ok=True)
        return super().__enter__()

    def add(self, window: Window) -> None:
        """Write the masks of the window."""
        for index, mask in enumerate(window.masks, window.start):
            image = Image.frombytes('P', mask.shape[::-1], mask.tobytes())
            image.putpalette(self._palette)
            with atomic_write(self.path / f'{index:06d}.png') as file:
                image.save(file, format='PNG')


class RleJson(Output):
    """COCO-style JSON: a run-length mask per frame and class."""

    def __init__(self, path: Path, source: ClipSource, *, fps: int,
                 names: Sequence[str]) -> None:
        self.path = path
        self._names = names
        self._head = dict(
            video=dict(name=source.name, height=source.size[0],
                       width=source.size[1], duration=source.duration,
                       masks_per_second=fps),
            categories=[dict(id=i, name=name)
                        for i, name in enumerate(names) if i])
        self._first = True

    def __enter__(self) -> 'RleJson':
        super().__enter__()
        self._file = self._stack.enter_context(
            atomic_write(self.path, mode='w'))
        head = json.dumps(self._head)
        self._file.write(head[:-1] + ', "annotations": [')
        return self

    def __exit__(self, *error) -> bool | None:
        if error[0] is None:
            self._file.write('\n]}\n')
        return super().__exit__(*error)

    def add(self, window: Window) -> None:
        """Write the masks of the window."""
        for offset, (time, mask) in enumerate(zip(window.times,
                                                  window.masks)):
            for kind in np.unique(mask[mask != 0]):
                inside = mask == kind
                rows, columns = np.nonzero(inside)
                left, top = int(columns.min()), int(rows.min())
                record = dict(
                    frame=window.start + offset, time=round(time, 4),
                    category_id=int(kind), segmentation=encode_rle(inside),
                    area=int(inside.sum()),
                    bbox=[left, top, int(columns.max()) - left + 1,
                          int(rows.max()) - top + 1],
                    score=_score(window, offset, int(kind), inside))
                self._file.write('\n' if self._first else ',\n')
                self._file.write(json.dumps(record))
                self._first = False


class ProbabilityArchive(Output):
    """``npz`` with ``times`` and an array (K, h, w) float16 per mask."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._times: list[float] = []

    def __enter__(self) -> 'ProbabilityArchive':
        super().__enter__()
        file = self._stack.enter_context(atomic_write(self.path))
        self._zip = self._stack.enter_context(zipfile.ZipFile(
            file, 'w', compression=zipfile.ZIP_DEFLATED, allowZip64=True))
        return self

    def __exit__(self, *error) -> bool | None:
        if error[0] is None:
            self._write('times', np.array(self._times))
        return super().__exit__(*error)

    def _write(self, name: str, array: np.ndarray) -> None:
        with self._zip.open(f'{name}.npy', 'w', force_zip64=True) as member:
            np.lib.format.write_array(member, array, allow_pickle=False)

    def add(self, window: Window) -> None:
        """Write the probabilities of the window."""
        self._times += window.times
        for index, scores in enumerate(window.scores, window.start):
            self._write(f'mask_{index:06d}',
                        probabilities(scores).astype(np.float16))


class ContactSheets(Output):
    """Pages of frames, masks and sound: ``name_000.png``, ..."""

    def __init__(self, path: Path, visualizer: AVSVisualizer, *, fps: int,
                 title: str, max_pages: int = 24) -> None:
        self.path = path
        self.first_page: np.ndarray | None = None
        self._visualizer, self._fps, self._title = visualizer, fps, title
        self._pages, self._max_pages = 0, max_pages

    def add(self, window: Window) -> None:
        """Draw the window as a page, until there are enough pages."""
        if self._pages >= self._max_pages:
            return
        height, width = window.frames[0].shape[:2]
        scale = min(1., 320 / max(height, width))
        size = (max(1, round(height * scale)), max(1, round(width * scale)))
        page = self._visualizer.add_datasample(
            self._title, [resize_frame(f, size) for f in window.frames],
            AVSDataSample(pred_sem_seg=torch.from_numpy(window.masks)),
            log_mel=self._strip(window.log_mel), waveform=window.waveform,
            sample_rate=SAMPLE_RATE, times=window.times,
            seconds_per_column=1 / self._fps, title=self._title,
            out_file=self.path.with_name(
                f'{self.path.stem}_{self._pages:03d}.png'))
        if self.first_page is None:
            self.first_page = page
        self._pages += 1

    def _strip(self, log_mel: np.ndarray | None) -> np.ndarray | None:
        """At N masks a second, the middle 1/N of each mask's second."""
        if log_mel is None or self._fps == 1 or log_mel.shape[1] > 1:
            return log_mel if self._fps == 1 else None
        total = log_mel.shape[3]
        width = max(1, total // self._fps)
        start = (total - width) // 2
        return log_mel[:, :, :, start:start + width]


def probabilities(scores: np.ndarray) -> np.ndarray:
    """Scores (K, h, w) to probabilities: sigmoid for K = 1, else softmax."""
    scores = scores.astype(np.float32)
    if len(scores) == 1:
        return 1 / (1 + np.exp(-scores))
    scores = np.exp(scores - scores.max(axis=0, keepdims=True))
    return scores / scores.sum(axis=0, keepdims=True)


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


def unique_stems(names: Sequence[str]) -> Iterator[str]:
    """File names for outputs: no two alike."""
    seen: dict[str, int] = {}
    for name in names:
        count = seen.get(name, 0)
        seen[name] = count + 1
        yield name if count == 0 else f'{name}-{count + 1}'


def colours_of(meta: dict) -> np.ndarray:
    """RGB of 256 classes, from a data set's meta data where known."""
    colours = voc_palette(256)
    palette = meta.get('palette')
    if palette is not None and len(palette):
        colours[:len(palette)] = np.asarray(palette, np.uint8)[:256]
    return colours


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
