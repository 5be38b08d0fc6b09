# Copyright (c) OpenMMLab. All rights reserved.
"""A clip on one page: rows of pictures over its sound, column by second."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from .overlay import resize_frame
from .sound_strip import (
    column_samples,
    draw_log_mel,
    draw_waveform,
    log_mel_range,
)
from .text import (
    INK,
    PAPER,
    draw_legend,
    draw_text,
    fit_text,
    text_width,
)

GAP = 4


@dataclass
class SheetRow:
    """A row of pictures.

    Args:
        label (str): Written to the left.
        pictures (Sequence[np.ndarray]): One (H, W, 3) uint8 RGB per column.
        captions (Sequence[str]): Written into the pictures; empty for none.
            Defaults to ().
    """

    label: str
    pictures: Sequence[np.ndarray]
    captions: Sequence[str] = field(default_factory=tuple)


def contact_sheet(rows: Sequence[SheetRow], *,
                  log_mel: np.ndarray | None = None,
                  waveform: np.ndarray | None = None,
                  sample_rate: int | None = None,
                  times: Sequence[float] | None = None,
                  seconds_per_column: float = 1.,
                  title: str = '',
                  legend: Sequence[tuple[str, Sequence[int]]] = (),
                  column_width: int = 224,
                  max_width: int = 2400) -> np.ndarray:
    """Draw rows of pictures with the sound of each column beneath it.

    Args:
        rows (Sequence[SheetRow]): Rows with T pictures each.
        log_mel (np.ndarray, optional): (T, N, 1, 96, 64), drawn as a strip.
            Defaults to None.
        waveform (np.ndarray, optional): (samples,) mono, drawn as a strip;
            needs ``sample_rate``. Defaults to None.
        sample_rate (int, optional): In Hz. Defaults to None.
        times (Sequence[float], optional): Time of each column in seconds,
            written on top. Defaults to the start of each column.
        seconds_per_column (float): Sound shown under a column. Defaults
            to 1.
        title (str): Line at the top. Defaults to none.
        legend (Sequence[tuple]): Pairs of name and colour. Defaults to none.
        column_width (int): Width of a picture in pixels. Defaults to 224.
        max_width (int): The page is not wider; the pictures shrink instead,
            but not below 48 pixels. Defaults to 2400.

    Returns:
        np.ndarray: (H, W, 3) uint8 RGB.

    Raises:
        ValueError: If the rows differ in length, or nothing is to be drawn.
    """
    columns = {len(row.pictures) for row in rows}
    if len(columns) != 1 or 0 in columns:
        raise ValueError('a contact sheet needs rows with the same, positive '
                         f'number of pictures, got {sorted(columns)}')
    num = columns.pop()
    width = int(np.clip((max_width - 120) // num - GAP, 48, column_width))
    font = int(np.clip(width // 13, 10, 18))
    labels = [row.label for row in rows] + ['log-mel', 'waveform']
    margin = max(text_width(label, font) for label in labels) + 2 * GAP + 6
    page = margin + num * (width + GAP)
    bands = []
    if title:
        band = _band(font + 12, page)
        draw_text(band, fit_text(title, page - 2 * GAP, font), (GAP + 2, 4),
                  size=font)
        bands.append(band)
    times = ([i * seconds_per_column for i in range(num)]
             if times is None else times)
    header = _band(font + 6, page)
    digits = 1 if seconds_per_column >= 1 else 2
    for index, time in enumerate(times):
        draw_text(header, time_label(time, digits),
                  (margin + index * (width + GAP), 1), size=font,
                  colour=(170, 170, 180))
    bands.append(header)
    for row in rows:
        shape = row.pictures[0].shape
        height = max(8, round(width * shape[0] / shape[1]))
        cells = [resize_frame(np.ascontiguousarray(p), (height, width)).copy()
                 for p in row.pictures]
        for cell, caption in zip(cells, row.captions):
            if caption:
                draw_text(cell, caption, (5, 3), size=max(10, font - 2),
                          shade=True)
        bands.append(_row(row.label, cells, margin, font))
    strip = (max(40, width // 3), width)
    if log_mel is not None:
        value_range = log_mel_range(log_mel)
        bands.append(_row('log-mel', [
            draw_log_mel(tokens, strip, value_range)
            for tokens in _columns(log_mel, num)], margin, font))
    if waveform is not None:
        if not sample_rate:
            raise ValueError('a waveform needs its sample_rate')
        peak = max(0.05, float(np.abs(waveform).max(initial=0)))
        strip = (max(30, width // 5), width)
        bands.append(_row('waveform', [draw_waveform(
            column_samples(waveform, sample_rate, i, seconds_per_column),
            strip, peak) for i in range(num)], margin, font))
    if legend:
        names, colours = zip(*legend)
        bands.append(draw_legend(names, colours, page, size=font))
    bands.append(_band(GAP, page))
    return np.concatenate(bands)


def _band(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), PAPER, dtype=np.uint8)


def _row(label: str, cells: Sequence[np.ndarray], margin: int,
         font: int) -> np.ndarray:
    height, width = cells[0].shape[:2]
    band = _band(height + GAP, margin + len(cells) * (width + GAP))
    draw_text(band, label, (GAP + 2, max(0, (height - font) // 2 - 2)),
              size=font, colour=INK)
    for index, cell in enumerate(cells):
        left = margin + index * (width + GAP)
        band[:height, left:left + width] = cell
    return band


def _columns(log_mel: np.ndarray, num: int) -> np.ndarray:
    if len(log_mel) < num:
        raise ValueError(f'there are {num} frames but log-mels of '
                         f'{len(log_mel)} seconds; both need one entry a '
                         'second')
    return log_mel[:num]


def time_label(seconds: float, digits: int) -> str:
    """Seconds with so many digits, or minutes and seconds."""
    # Rounded first, so that no minute has 60 seconds.
    minutes, rest = divmod(round(seconds, digits), 60)
    width = digits + 3 if minutes else 0
    text = f'{rest:0{width}.{digits}f}'
    return f'{int(minutes)}:{text}' if minutes else f'{text} s'
