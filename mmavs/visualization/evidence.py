# Copyright (c) OpenMMLab. All rights reserved.
"""Pictures of what happens inside a network: heat maps and gates."""

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from .palette import energy_colours
from .text import PAPER, draw_text

# Kind of gate to its colour and its words in a legend.
_BARS = dict(
    audio=((120, 190, 255), 'gates from the sound to the maps, a bar a stage'),
    visual=((255, 150, 90), 'gates from the maps to the sound'))


def draw_heatmap(frame: np.ndarray, heat: np.ndarray, *,
                 alpha: float = 0.6) -> np.ndarray:
    """Lay a heat map over a frame.

    Args:
        frame (np.ndarray): (H, W, 3) uint8 RGB.
        heat (np.ndarray): (h, w), values in 0..1.
        alpha (float): Weight of the heat map. Defaults to 0.6.

    Returns:
        np.ndarray: (H, W, 3) uint8.
    """
    colours = Image.fromarray(energy_colours(heat)).resize(
        (frame.shape[1], frame.shape[0]), Image.Resampling.BILINEAR)
    return np.asarray(Image.blend(Image.fromarray(frame), colours, alpha))


def draw_gates(strengths: Mapping[str, float], top: float,
               size: tuple[int, int]) -> np.ndarray:
    """The gates of one second as bars, one colour per kind.

    Args:
        strengths (Mapping[str, float]): Name to strength; a name is 'audio
            N' or 'visual N'.
        top (float): Strength that fills the height.
        size (tuple[int, int]): Height and width of the picture.

    Returns:
        np.ndarray: (height, width, 3) uint8 RGB.
    """
    height, width = size
    out = np.full((height, width, 3), PAPER, dtype=np.uint8)
    edges = np.linspace(2, width - 2, len(strengths) + 1).astype(int)
    for (name, value), left, right in zip(strengths.items(), edges,
                                          edges[1:]):
        colour, _ = _BARS[name.split()[0]]
        filled = int(round(min(1., value / max(top, 1e-9)) * (height - 14)))
        out[height - filled:, left + 1:right - 1] = colour
    draw_text(out, f'{max(strengths.values(), default=0):.2f}', (3, 0),
              size=10)
    return out


def gate_legend(gates: Mapping[str, Sequence[float]]
                ) -> list[tuple[str, tuple[int, int, int]]]:
    """What the colours of :func:`gate_pictures` mean: words and colour."""
    kinds = dict.fromkeys(name.split()[0] for name in gates)
    return [_BARS[kind][::-1] for kind in kinds]


def gate_pictures(gates: Mapping[str, Sequence[float]],
                  size: tuple[int, int]) -> list[np.ndarray]:
    """A picture of the gates for each second, all to one scale.

    Args:
        gates (Mapping[str, Sequence[float]]): Name to T strengths.
        size (tuple[int, int]): Height and width of a picture.

    Returns:
        list[np.ndarray]: T pictures.
    """
    top = max((float(np.max(values)) for values in gates.values()),
              default=0.)
    seconds = len(next(iter(gates.values())))
    return [draw_gates({name: float(values[t])
                        for name, values in gates.items()}, top, size)
            for t in range(seconds)]
