# Copyright (c) OpenMMLab. All rights reserved.
"""Several models, and the ground truth, on one video side by side."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mmavs.audio import SAMPLE_RATE
from mmavs.visualization import SheetRow, contact_sheet, write_image
from mmavs.visualization.overlay import (
    overlay_mask,
    resize_frame,
    resize_mask,
)
from mmavs.visualization.palette import GROUND_TRUTH, PREDICTION

from .inference.inputs import IMAGE_SUFFIXES, make_source, natural_key
from .inference.output import check_folder
from .inference.outputs import colours_of, work_folder
from .inference.overlay_video import ComparisonVideo, seen_classes
from .inference.pages import centre_of
from .inference.run import Run
from .inference.windows import Window
from .inferencer import AVSInferencer

KINDS = ('video', 'sheet')


def compare_models(models: Mapping[str, AVSInferencer], item: Any,
                   out_dir: str | os.PathLike, *,
                   ground_truth: str | os.PathLike | np.ndarray | None = None,
                   outputs: Sequence[str] = KINDS, fps: int = 1,
                   window_seconds: int | None = None,
                   audio_stream: int = 0, on_missing_audio: str = 'raise',
                   alpha: float = 0.5, max_pages: int = 24
                   ) -> dict[str, list[str]]:
    """Write a video and pages that show several models side by side.

    Args:
        models (Mapping[str, AVSInferencer]): Label to inferencer.
        item (Any): One input, see :class:`AVSInferencer`.
        out_dir (str | PathLike): Folder for the outputs.
        ground_truth (str | PathLike | np.ndarray, optional): Masks (M, H, W)
            with class indices, or a folder of mask images, one per mask;
            images with the value 255 count as binary. Defaults to None.
        outputs (Sequence[str]): 'video', 'sheet' or both. Defaults to both.
        fps (int): Masks per second. Defaults to 1.
        window_seconds (int, optional): Defaults to the first model's.
        audio_stream (int): Which sound track. Defaults to 0.
        on_missing_audio (str): 'raise' or 'silence'. Defaults to 'raise'.
        alpha (float): Weight of the mask colour. Defaults to 0.5.
        max_pages (int): Most pages drawn. Defaults to 24.

    Returns:
        dict[str, list[str]]: Paths by kind.

    Raises:
        ValueError: If there is no model, an unknown output, or less ground
            truth than masks.
    """
    if not models:
        raise ValueError('compare_models needs at least one model')
    if not outputs or set(outputs) - set(KINDS):
        raise ValueError(f'outputs must be among {KINDS}, got {outputs}')
    folder = check_folder(out_dir)
    source = make_source(item, audio_stream=audio_stream,
                         on_missing_audio=on_missing_audio)
    seconds = window_seconds or next(iter(models.values())).window_seconds
    labels, colours = list(models), [_colours(m) for m in models.values()]
    names = [_names(model) for model in models.values()]
    truth = None
    if ground_truth is not None:
        truth = _GroundTruth(ground_truth, source.num_seconds * fps)
        labels.append('ground truth')
        colours.append(_truth_colours(colours[0]))
        names.append(names[0])
    paths: dict[str, list[str]] = {kind: [] for kind in outputs}
    stem, video = f'{source.name}_compared', None
    if 'video' in outputs:
        video = ComparisonVideo(
            folder / f'{stem}.mp4', work_folder(folder, stem), source,
            labels=labels, colours=colours, names=names, fps=fps,
            alpha=alpha)
        paths['video'].append(os.fspath(video.path))
    with nullcontext() if video is None else Run(
            folder, stem, dict(video=video), identity=None,
            total=source.num_seconds * fps) as run:
        streams = [model.predict_windows(
            source, seconds=seconds, fps=fps, with_scores=False)
            for model in models.values()]
        for windows in zip(*streams):
            masks = [window.masks for window in windows]
            if truth is not None:
                masks.append(truth.masks(windows[0], source.size))
            if video is not None:
                video.panel_masks = masks
                run.add(windows[0])
            pages = paths.get('sheet')
            if pages is not None and len(pages) < max_pages:
                path = folder / f'{stem}_{len(pages):03d}.png'
                write_image(path, _page(
                    windows[0], masks, labels, colours, names, fps=fps,
                    alpha=alpha, title=source.name))
                pages.append(os.fspath(path))
    return paths


def _names(model: AVSInferencer) -> list[str]:
    return list(model.meta.get('classes') or ())


def _colours(model: AVSInferencer) -> np.ndarray:
    if len(_names(model)) > 2:
        return colours_of(model.meta)
    return np.array([(0, 0, 0), PREDICTION], np.uint8)


def _truth_colours(like: np.ndarray) -> np.ndarray:
    if len(like) > 2:
        return like
    return np.array([(0, 0, 0), GROUND_TRUTH], np.uint8)


class _GroundTruth:
    """Masks from memory or, one at a time, from a folder."""

    def __init__(self, masks: str | os.PathLike | np.ndarray,
                 number: int) -> None:
        self._masks: Sequence = masks
        if isinstance(masks, str | os.PathLike):
            self._masks = sorted(
                (p for p in Path(masks).iterdir()
                 if p.suffix.lower() in IMAGE_SUFFIXES), key=natural_key)
        if len(self._masks) < number:
            where = masks if isinstance(masks, str | os.PathLike) else (
                'ground_truth')
            raise ValueError(f'{where}: holds {len(self._masks)} masks, but '
                             f'{number} are needed')

    def masks(self, window: Window, size: tuple[int, int]) -> np.ndarray:
        """The masks of a window, (M, H, W) uint8."""
        stop = window.start + len(window.masks)
        return np.stack([resize_mask(mask, size) for mask in
                         self._read(range(window.start, stop))])

    def _read(self, indices: range) -> Iterator[np.ndarray]:
        for index in indices:
            mask = self._masks[index]
            if isinstance(mask, Path):
                with Image.open(mask) as image:
                    mask = np.asarray(
                        image if image.mode == 'P' else image.convert('L'))
                if mask.max(initial=0) == 255:
                    mask = mask > 127
            yield np.asarray(mask, np.uint8)


def _page(window: Window, masks: Sequence[np.ndarray],
          labels: Sequence[str], colours: Sequence[np.ndarray],
          names: Sequence[Sequence[str]], *, fps: int, alpha: float,
          title: str) -> np.ndarray:
    height, width = window.frames[0].shape[:2]
    scale = min(1., 320 / max(height, width))
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    frames = [resize_frame(frame, size) for frame in window.frames]
    rows, legend = [SheetRow('frame', frames)], {}
    for label, maps, palette, classes in zip(labels, masks, colours, names):
        rows.append(SheetRow(label, [
            overlay_mask(frame, mask, palette, alpha=alpha)
            for frame, mask in zip(frames, maps)]))
        if len(classes) > 2:  # models may share classes
            legend |= {(classes[c], tuple(palette[c].tolist())): None
                       for c in seen_classes(maps)}
    return contact_sheet(
        rows, title=title, times=window.times, seconds_per_column=1 / fps,
        log_mel=centre_of(window.log_mel, fps), legend=list(legend),
        waveform=window.waveform, sample_rate=SAMPLE_RATE)
