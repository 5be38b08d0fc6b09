# Copyright (c) OpenMMLab. All rights reserved.
"""Videos with masks over their frames, and their own sound."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmavs.video.writer import VideoWriter
from mmavs.visualization.overlay import MaskPainter, resize_frame
from mmavs.visualization.text import draw_text

from .output import Output
from .sources import ClipSource
from .windows import Window


class OverlayVideo(Output):
    """All frames of the source with masks over them, and its sound.

    A frame gets the mask of the 1/N second it lies in; N masks a second.

    Args:
        path (Path): File to write.
        source (ClipSource): Where frames and sound come from.
        fps (int): Masks per second, N.
        colours (Sequence[Sequence[int]]): RGB of each class.
        names (Sequence[str]): Of the classes; written into the picture if
            there is more than one kind of foreground.
        alpha (float): Weight of the colour. Defaults to 0.5.
    """

    def __init__(self, path: Path, source: ClipSource, *, fps: int,
                 colours: Sequence[Sequence[int]], names: Sequence[str],
                 alpha: float = 0.5) -> None:
        self.path = path
        self._source, self._fps = source, fps
        self._colours, self._names, self._alpha = colours, names, alpha
        self._size = source.size

    def __enter__(self) -> 'OverlayVideo':
        super().__enter__()
        source = self._source
        self._writer = self._stack.enter_context(VideoWriter(
            self.path, size=self._size, fps=source.fps,
            sample_rate=source.sample_rate, channels=source.channels or 1,
            variable_rate=True, keep_partial=True))
        self._frames = source.frames()
        self._next = next(self._frames, None)
        self._sound = source.sound()
        self._heard = source.sound_start
        self._painted = -1
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
            if index != self._painted:
                self._painted = index
                self._prepare(index - window.start, window)
            self._play_until(time + 1)
            self._writer.write_frame(
                self._picture(frame), time=time - self._source.sound_start)
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

    def _prepare(self, place: int, window: Window) -> None:
        """Get ready to lay a mask over the frames that follow."""
        mask = window.masks[place]
        self._paint = MaskPainter(mask, self._colours, mask.shape,
                                  alpha=self._alpha)
        self._seen = np.unique(mask[mask != 0])

    def _picture(self, frame: np.ndarray) -> np.ndarray:
        picture = self._paint(frame)
        # Name the classes in a corner, if there is more than one.
        size = max(12, picture.shape[0] // 28)
        seen = self._seen if len(self._names) > 2 else ()
        for line, index in enumerate(seen):
            draw_text(picture, self._names[index],
                      (size // 2, size // 2 + line * (size + 8)), size=size,
                      colour=tuple(int(c) for c in self._colours[index]),
                      shade=True)
        return picture


class ComparisonVideo(OverlayVideo):
    """Several masks of the same frames, side by side.

    Args:
        path (Path): File to write.
        source (ClipSource): Where frames and sound come from.
        labels (Sequence[str]): Written over the panels.
        colours (Sequence): For each panel, the RGB of each class.
        fps (int): Masks per second.
        alpha (float): Weight of the colour. Defaults to 0.5.
        height (int): The panels are not higher. Defaults to 360.
    """

    def __init__(self, path: Path, source: ClipSource, *,
                 labels: Sequence[str], colours: Sequence, fps: int,
                 alpha: float = 0.5, height: int = 360) -> None:
        super().__init__(path, source, fps=fps, colours=(), names=(),
                         alpha=alpha)
        scale = min(1., height / source.size[0])
        self._panel = tuple(max(2, round(side * scale))
                            for side in source.size)
        self._size = self._panel[0], self._panel[1] * len(labels)
        self._labels, self._panel_colours = labels, colours
        self._others: Sequence[np.ndarray] = ()

    def add_all(self, window: Window, masks: Sequence[np.ndarray]) -> None:
        """Write the frames up to the end of a window.

        Args:
            window (Window): Says which masks these are.
            masks (Sequence[np.ndarray]): For each panel (M, H, W).
        """
        self._others = masks
        self.add(window)

    def _prepare(self, place: int, window: Window) -> None:
        self._painters = [
            MaskPainter(masks[place], colours, self._panel,
                        alpha=self._alpha)
            for masks, colours in zip(self._others, self._panel_colours)]

    def _picture(self, frame: np.ndarray) -> np.ndarray:
        frame = resize_frame(frame, self._panel)
        panels = [paint(frame) for paint in self._painters]
        for panel, label in zip(panels, self._labels):
            draw_text(panel, label, (6, 4),
                      size=max(11, self._panel[0] // 20), shade=True)
        return np.concatenate(panels, axis=1)
