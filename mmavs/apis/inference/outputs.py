# Copyright (c) OpenMMLab. All rights reserved.
"""Files an inferencer writes while it goes through a video."""

import json
import os
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from mmavs.audio import SAMPLE_RATE
from mmavs.io.atomic import atomic_write
from mmavs.io.rle import encode_rle
from mmavs.structures import AVSDataSample
from mmavs.visualization import AVSVisualizer, SheetRow
from mmavs.visualization.evidence import draw_heatmap, gate_pictures
from mmavs.visualization.overlay import resize_frame
from mmavs.visualization.palette import voc_palette

from .output import Output
from .sources import ClipSource
from .windows import Window

OUTPUTS = ('video', 'masks', 'json', 'npz', 'sheet')


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
        frames = [resize_frame(frame, size) for frame in window.frames]
        page = self._visualizer.add_datasample(
            self._title, frames,
            AVSDataSample(pred_sem_seg=torch.from_numpy(window.masks)),
            log_mel=self._strip(window.log_mel), waveform=window.waveform,
            sample_rate=SAMPLE_RATE, times=window.times,
            seconds_per_column=1 / self._fps, title=self._title,
            extra_rows=evidence_rows(window, frames),
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


def evidence_rows(window: Window,
                  frames: Sequence[np.ndarray]) -> list[SheetRow]:
    """Rows with heat maps and gates, if the window has any."""
    rows = [
        SheetRow(f'heat map {number}', [
            draw_heatmap(frame, heat) for frame, heat in zip(frames, layer)])
        for number, layer in enumerate(window.heatmaps, 1)]
    if window.gates:
        height, width = frames[0].shape[:2]
        rows.append(SheetRow('gates', gate_pictures(
            window.gates, (max(60, height // 3), max(120, width)))))
    return rows


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
