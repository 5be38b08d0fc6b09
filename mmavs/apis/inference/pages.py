# Copyright (c) OpenMMLab. All rights reserved.
"""Pages of frames, masks and sound."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from mmavs.audio import SAMPLE_RATE
from mmavs.structures import AVSDataSample
from mmavs.visualization import AVSVisualizer, SheetRow
from mmavs.visualization.evidence import (
    draw_heatmap,
    gate_legend,
    gate_pictures,
)
from mmavs.visualization.overlay import resize_frame

from .output import Output
from .windows import Window


class ContactSheets(Output):
    """A page per window: ``STEM_000.png``, ...

    Args:
        stem (Path): What the pages are named after.
        work (Path): Folder of the run.
        visualizer (AVSVisualizer): Draws them.
        fps (int): Masks per second.
        title (str): Written on top.
        max_pages (int): No more are drawn. Defaults to 24.
    """

    def __init__(self, stem: Path, work: Path, visualizer: AVSVisualizer, *,
                 fps: int, title: str, max_pages: int = 24) -> None:
        self._stem, self._work = stem, work / 'pages'
        self._visualizer, self._fps, self._title = visualizer, fps, title
        self._num, self._max_pages = 0, max_pages
        self.path = self._page(0)

    def _page(self, number: int) -> Path:
        return self._stem.with_name(f'{self._stem.name}_{number:03d}.png')

    def first_page(self) -> np.ndarray:
        """The first page, (H, W, 3) uint8 RGB, once all is done."""
        with Image.open(self.path) as image:
            return np.asarray(image.convert('RGB'))

    def resume(self, states: Sequence[dict]) -> None:
        """Make the folder."""
        self._work.mkdir(parents=True, exist_ok=True)
        self._num = states[-1]['pages'] if states else 0

    def add(self, window: Window) -> dict:
        """Draw the window as a page, until there are enough pages."""
        if self._num < self._max_pages:
            self._draw(window)
            self._num += 1
        return dict(pages=self._num)

    def _draw(self, window: Window) -> None:
        height, width = window.frames[0].shape[:2]
        scale = min(1., 320 / max(height, width))
        size = (max(1, round(height * scale)), max(1, round(width * scale)))
        frames = [resize_frame(frame, size) for frame in window.frames]
        self._visualizer.add_datasample(
            self._title, frames,
            AVSDataSample(pred_sem_seg=torch.from_numpy(window.masks)),
            log_mel=centre_of(window.log_mel, self._fps),
            waveform=window.waveform, sample_rate=SAMPLE_RATE,
            times=window.times, seconds_per_column=1 / self._fps,
            title=self._title,
            extra_rows=evidence_rows(window, frames),
            extra_legend=gate_legend(window.gates),
            out_file=self._work / f'{self._num:03d}.png')

    def publish(self, states: Sequence[dict]) -> None:
        """Move the pages, in place of those of an older run."""
        total = states[-1]['pages']
        for number in range(total):
            page = self._work / f'{number:03d}.png'
            if page.exists():
                os.replace(page, self._page(number))
        for path in self._stem.parent.glob('*.png'):
            name = re.fullmatch(r'(.*)_(\d{3})\.png', path.name)
            if name and name[1] == self._stem.name and int(name[2]) >= total:
                path.unlink()


def centre_of(log_mel: np.ndarray | None, fps: int) -> np.ndarray | None:
    """At N masks a second, the middle 1/N of each mask's second.

    Args:
        log_mel (np.ndarray | None): (M, N, 1, 96, 64) as the network heard
            it.
        fps (int): Masks per second.

    Returns:
        np.ndarray | None: (M, N, 1, t, 64); None where a second has several
        tokens, which cannot be cut.
    """
    if log_mel is None or fps == 1:
        return log_mel
    if log_mel.shape[1] > 1:
        return None
    total = log_mel.shape[3]
    width = max(1, total // fps)
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
