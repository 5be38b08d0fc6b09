# Copyright (c) OpenMMLab. All rights reserved.
"""Videos with masks over their frames, and their own sound."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from mmavs.video.segments import Segment, join_segments
from mmavs.video.writer import VideoWriter
from mmavs.visualization.overlay import MaskPainter, resize_frame
from mmavs.visualization.text import draw_text, label_classes

from .output import Output
from .sources import ClipSource
from .windows import Window


def seen_classes(mask: np.ndarray) -> list[int]:
    """Foreground classes of a mask, in order."""
    return np.unique(mask[mask != 0]).tolist()


class OverlayVideo(Output):
    """All frames of the source with masks over them, and its sound.

    A frame gets the mask of the 1/N second it lies in; N masks a second. The
    frames of a window are a file of their own, a segment, until all are
    joined and get their sound.

    Args:
        path (Path): The file it ends up in.
        work (Path): Folder of the run.
        source (ClipSource): Where frames and sound come from.
        fps (int): Masks per second, N.
        colours (Sequence[Sequence[int]]): RGB of each class.
        names (Sequence[str]): Of the classes; written into the picture if
            there is more than one kind of foreground.
        alpha (float): Weight of the colour. Defaults to 0.5.
    """

    def __init__(self, path: Path, work: Path, source: ClipSource, *,
                 fps: int, colours: Sequence[Sequence[int]],
                 names: Sequence[str], alpha: float = 0.5) -> None:
        self.path, self._work = path, work / 'video'
        self._source, self._fps = source, fps
        self._colours, self._names, self._alpha = colours, names, alpha
        self._size = source.size

        self._frames: Iterator[tuple[float, np.ndarray]] | None = None
        self._next: tuple[float, np.ndarray] | None = None
        self._painted = -1

    def resume(self, states: Sequence[dict]) -> None:
        """Make the folder; frames are read from the next window on."""
        self._work.mkdir(parents=True, exist_ok=True)

    def _begin(self, window: Window) -> None:
        """Go to the first frame of the first window there is to add."""
        self._frames = self._source.frames(window.start / self._fps)
        self._next = next(self._frames, None)
        while self._next is not None and (
                self._index(self._next[0]) < window.start):
            self._next = next(self._frames, None)

    def _index(self, time: float) -> int:
        """Number of the mask of the 1/N second a time lies in."""
        return int(time * self._fps + 1e-6)

    def add(self, window: Window) -> dict:
        """Write the frames up to the end of the window."""
        if self._frames is None:
            self._begin(window)
        stop = window.start + len(window.masks)
        if not self._belongs(stop, window):
            return dict(frames=0, stop=stop / self._fps)
        name, begin = f'{window.start:06d}.mp4', self._next[0]
        with VideoWriter(self._work / name, size=self._size,
                         fps=self._source.fps, variable_rate=True,
                         joinable=True) as writer:
            while self._belongs(stop, window):
                time, frame = self._next
                index = min(max(self._index(time), window.start), stop - 1)
                if index != self._painted:
                    self._painted = index
                    self._prepare(index - window.start, window)
                writer.write_frame(self._picture(frame), time=time - begin)
                self._next = next(self._frames, None)
            return dict(frames=writer.num_frames, file=name, begin=begin,
                        stop=stop / self._fps)

    def _belongs(self, stop: int, window: Window) -> bool:
        """Whether the next frame is one of the window's."""
        return self._next is not None and (
            window.final or self._index(self._next[0]) < stop)

    def publish(self, states: Sequence[dict]) -> None:
        """Join the segments, with all of the sound."""
        if self._work.exists():
            self._join(self.path, states)

    def publish_part(self, path: Path, states: Sequence[dict]) -> bool:
        """Join what there is, with its sound.

        Args:
            path (Path): File to write.
            states (Sequence[dict]): Of the windows there are.

        Returns:
            bool: Whether there was something to join.
        """
        if not any(state['frames'] for state in states):
            return False
        self._join(path, states, stop=states[-1]['stop'])
        return True

    def _join(self, path: Path, states: Sequence[dict],
              stop: float = float('inf')) -> None:
        # Sound may begin before the first frame, but no file before 0.
        source, zero = self._source, self._source.sound_start
        join_segments(
            path, [Segment(self._work / state['file'], state['begin'] - zero)
                   for state in states if state['frames']],
            sound=source.sound(), sample_rate=source.sample_rate,
            channels=source.channels or 1, sound_stop=stop - zero)

    def _prepare(self, place: int, window: Window) -> None:
        """Get ready to lay a mask over the frames that follow."""
        mask = window.masks[place]
        self._paint = MaskPainter(mask, self._colours, mask.shape,
                                  alpha=self._alpha)
        self._seen = seen_classes(mask)

    def _picture(self, frame: np.ndarray) -> np.ndarray:
        picture = self._paint(frame)
        size = max(12, picture.shape[0] // 28)
        if len(self._names) > 2:
            label_classes(picture, [self._names[c] for c in self._seen],
                          self._colours[self._seen],
                          (size // 2, size // 2), size=size)
        return picture


class ComparisonVideo(OverlayVideo):
    """Several masks of the same frames, side by side.

    Args:
        path (Path): The file it ends up in.
        work (Path): Folder of the run.
        source (ClipSource): Where frames and sound come from.
        labels (Sequence[str]): Written over the panels.
        colours (Sequence): For each panel, the RGB of each class.
        names (Sequence): For each panel, the names of the classes; written
            into it if there is more than one kind of foreground.
        fps (int): Masks per second.
        alpha (float): Weight of the colour. Defaults to 0.5.
        height (int): The panels are not higher. Defaults to 360.
    """

    def __init__(self, path: Path, work: Path, source: ClipSource, *,
                 labels: Sequence[str], colours: Sequence,
                 names: Sequence, fps: int, alpha: float = 0.5,
                 height: int = 360) -> None:
        super().__init__(path, work, source, fps=fps, colours=(), names=(),
                         alpha=alpha)
        scale = min(1., height / source.size[0])
        self._panel = tuple(max(2, round(side * scale))
                            for side in source.size)
        self._size = self._panel[0], self._panel[1] * len(labels)
        self._labels, self._panel_colours = labels, colours
        self._panel_names = names
        # For each panel the masks (M, H, W) of the window to add next.
        self.panel_masks: Sequence[np.ndarray] = ()

    def _prepare(self, place: int, window: Window) -> None:
        self._painters = [
            MaskPainter(masks[place], colours, self._panel,
                        alpha=self._alpha)
            for masks, colours in zip(self.panel_masks,
                                      self._panel_colours)]
        self._panel_seen = [
            seen_classes(masks[place]) if len(names) > 2 else []
            for masks, names in zip(self.panel_masks, self._panel_names)]

    def _picture(self, frame: np.ndarray) -> np.ndarray:
        frame = resize_frame(frame, self._panel)
        panels = [paint(frame) for paint in self._painters]
        size = max(11, self._panel[0] // 20)
        for panel, label, seen, names, colours in zip(
                panels, self._labels, self._panel_seen, self._panel_names,
                self._panel_colours):
            draw_text(panel, label, (6, 4), size=size, shade=True)
            label_classes(panel, [names[c] for c in seen],
                          [colours[c] for c in seen], (6, 16 + size),
                          size=size)
        return np.concatenate(panels, axis=1)
