# Copyright (c) OpenMMLab. All rights reserved.
"""Labels and legends, with the font Pillow brings along."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

INK = (235, 235, 240)
PAPER = (30, 30, 36)


def load_font(size: int) -> ImageFont.ImageFont:
    """Pillow's own scalable font (its bitmap font without FreeType)."""
    return ImageFont.load_default(size=size)


def text_width(text: str, size: int) -> int:
    """Width of a line of text in pixels."""
    left, _, right, _ = load_font(size).getbbox(printable(text))
    return int(np.ceil(right - min(left, 0)))


def fit_text(text: str, width: int, size: int) -> str:
    """Leave out the middle of a line that is wider than ``width`` pixels."""
    if text_width(text, size) <= width:
        return text
    for kept in range(len(text) - 1, 0, -1):
        short = f'{text[:(kept + 1) // 2]}...{text[len(text) - kept // 2:]}'
        if text_width(short, size) <= width:
            break
    return short


def printable(text: str) -> str:
    """Replace what Pillow's bitmap font cannot draw."""
    return text.encode('latin-1', 'replace').decode('latin-1')


def draw_text(image: np.ndarray, text: str, position: tuple[int, int], *,
              size: int, colour: tuple[int, int, int] = INK,
              shade: bool = False) -> None:
    """Write a line of text into a picture, in place.

    Args:
        image (np.ndarray): (H, W, 3) uint8 RGB, changed.
        text (str): One line.
        position (tuple[int, int]): Left and top, in pixels.
        size (int): Font size in pixels.
        colour (tuple[int, int, int]): RGB. Defaults to near white.
        shade (bool): Whether to darken what is behind the text, for
            legibility over a frame. Defaults to False.
    """
    canvas = Image.fromarray(image)
    pen = ImageDraw.Draw(canvas)
    text, font = printable(text), load_font(size)
    if shade:
        box = pen.textbbox(position, text, font=font)
        left, top, right, bottom = (int(v) for v in box)
        left, top = max(0, left - 3), max(0, top - 2)
        region = np.asarray(canvas.crop((left, top, right + 3, bottom + 3)))
        canvas.paste(Image.fromarray(region // 3), (left, top))
    pen.text(position, text, font=font, fill=tuple(colour))
    image[:] = np.asarray(canvas)


def label_classes(image: np.ndarray, names: Sequence[str],
                  colours: Sequence[Sequence[int]],
                  position: tuple[int, int], *, size: int) -> None:
    """Write names with colour chips into a picture, one below the other.

    Args:
        image (np.ndarray): (H, W, 3) uint8 RGB, changed.
        names (Sequence[str]): One for each colour.
        colours (Sequence[Sequence[int]]): RGB.
        position (tuple[int, int]): Left and top of the first, in pixels.
        size (int): Font size in pixels.
    """
    left, top = position
    for line, (name, colour) in enumerate(zip(names, colours)):
        y = top + line * (size + 8)
        draw_text(image, name, (left + size + 4, y), size=size, shade=True)
        image[max(0, y):y + size, left:left + size] = colour


def draw_legend(names: Sequence[str], colours: Sequence[Sequence[int]],
                width: int, *, size: int) -> np.ndarray:
    """Colour chips with names, wrapped into lines.

    Args:
        names (Sequence[str]): One for each colour.
        colours (Sequence[Sequence[int]]): RGB.
        width (int): Width of the picture in pixels.
        size (int): Font size in pixels.

    Returns:
        np.ndarray: (height, width, 3) uint8 RGB; height 0 without names.
    """
    line = size + 8
    places, x, y = [], 6, 0
    for name in names:
        need = line + text_width(name, size) + 16
        if x + need > width and x > 6:
            x, y = 6, y + line
        places.append((x, y))
        x += need
    height = (y + line) if places else 0
    out = np.full((height, width, 3), PAPER, dtype=np.uint8)
    for name, colour, (x, y) in zip(names, colours, places):
        out[y + 4:y + 4 + size, x:x + size] = colour
        draw_text(out, name, (x + size + 6, y + 2), size=size)
    return out
