# Copyright (c) OpenMMLab. All rights reserved.
"""The kinds of output an inferencer can write."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmavs.visualization import AVSVisualizer
from mmavs.visualization.palette import PREDICTION, voc_palette

from .masks import MaskImages, RleJson
from .output import Output
from .overlay_video import OverlayVideo
from .pages import ContactSheets
from .probabilities import ProbabilityArchive
from .sources import ClipSource

OUTPUTS = ('video', 'masks', 'json', 'npz', 'sheet')


def make_outputs(kinds: Sequence[str], folder: Path, stem: str,
                 source: ClipSource, visualizer: AVSVisualizer, *,
                 fps: int, names: Sequence[str], meta: dict,
                 alpha: float) -> dict[str, Output]:
    """What writes the outputs of an input.

    Args:
        kinds (Sequence[str]): Some of ``OUTPUTS``.
        folder (Path): Where they end up.
        stem (str): What they are named after.
        source (ClipSource): The input.
        visualizer (AVSVisualizer): Draws the pages.
        fps (int): Masks per second.
        names (Sequence[str]): Of the classes, background first.
        meta (dict): With the ``palette`` of the data set, if it has one.
        alpha (float): Weight of the mask colour.

    Returns:
        dict[str, Output]: By kind, in the order of ``OUTPUTS``.
    """
    work, colours = work_folder(folder, stem), colours_of(meta)
    flat = colours if len(names) > 2 else np.array([(0, 0, 0), PREDICTION])
    visualizer.alpha = alpha
    make = dict(
        video=lambda: OverlayVideo(
            folder / f'{stem}.mp4', work, source, fps=fps, colours=flat,
            names=names, alpha=alpha),
        masks=lambda: MaskImages(folder / f'{stem}_masks', work, colours),
        json=lambda: RleJson(folder / f'{stem}.json', work, source, fps=fps,
                             names=names),
        npz=lambda: ProbabilityArchive(folder / f'{stem}.npz', work),
        sheet=lambda: ContactSheets(
            folder / f'{stem}_sheet', work, visualizer, fps=fps,
            title=source.name))
    return {kind: make[kind]() for kind in OUTPUTS if kind in kinds}


def check_apart(folder: Path, stems: Sequence[str],
                sources: Sequence[ClipSource]) -> None:
    """See that no overlay would replace an input.

    Raises:
        ValueError: If one would.
    """
    for path in (folder / f'{stem}.mp4' for stem in stems):
        for source in sources:
            if path.exists() and os.path.exists(source.origin) and (
                    path.samefile(source.origin)):
                raise ValueError(
                    f'{path}: is an input and would be replaced by its '
                    'overlay; choose another out_dir')


def work_folder(folder: Path, stem: str) -> Path:
    """Where outputs lie until they are complete."""
    return folder / f'{stem}.partial'


def colours_of(meta: dict) -> np.ndarray:
    """RGB of 256 classes, from a data set's meta data where known."""
    colours = voc_palette(256)
    palette = meta.get('palette')
    if palette is not None and len(palette):
        colours[:len(palette)] = np.asarray(palette, np.uint8)[:256]
    return colours
