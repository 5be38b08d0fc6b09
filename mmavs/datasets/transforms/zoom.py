# Copyright (c) OpenMMLab. All rights reserved.
"""Random zoom and shift of a clip, against few objects and backgrounds."""

import numpy as np
from PIL import Image

from mmavs.registry import TRANSFORMS

from .base import ClipTransform, check_probability
from .images import resize_image

_METHODS = {'frames': Image.Resampling.BILINEAR,
            'masks': Image.Resampling.NEAREST}


@TRANSFORMS.register_module()
class RandomClipZoom(ClipTransform):
    """Cut one random window out of all frames and masks of a clip.

    A window larger than the picture shows its mirrored border. Frames and
    masks keep their sizes, and may differ in size.

    Required Keys: frames, masks (optional). Modified Keys: frames, masks.

    Args:
        scale (tuple[float, float]): Least and greatest magnification, drawn
            log-uniformly; below 1 zooms out. Defaults to (0.7, 1.5).
        aspect (float): Greatest stretch of width against height, and its
            inverse. Defaults to 1.2.
        prob (float): Probability of zooming. Defaults to 1.0.

    Raises:
        ValueError: If the scale is no positive range, or zooms out more
            than mirroring once can fill (below 1/3).
    """

    def __init__(self, *, scale: tuple[float, float] = (0.7, 1.5),
                 aspect: float = 1.2, prob: float = 1.0) -> None:
        if aspect < 1:
            raise ValueError(f'aspect must be at least 1, got {aspect}')
        if (len(scale) != 2 or scale[0] > scale[1]
                or scale[0] / aspect ** 0.5 <= 1 / 3):
            raise ValueError('scale must be (least, greatest) with least / '
                             f'sqrt(aspect) > 1/3, got {scale}')
        self.scale = tuple(scale)
        self.aspect = aspect
        self.prob = check_probability(prob)

    def transform(self, results: dict) -> dict:
        """Zoom or not; see the class."""
        self.need(results, 'frames', 'LoadClipFrames')
        rng = self.rng(results)
        if rng.random() >= self.prob:
            return results
        window = self._draw(rng)
        for key, method in _METHODS.items():
            if key in results:
                results[key] = [cut(image, window, method)
                                for image in results[key]]
        return results

    def _draw(self, rng: np.random.Generator
              ) -> tuple[float, float, float, float]:
        """Top, left, height and width as fractions of the picture."""
        zoom = np.exp(rng.uniform(*np.log(self.scale)))
        stretch = np.exp(rng.uniform(-0.5, 0.5) * np.log(self.aspect))
        height, width = 1 / (zoom * stretch), stretch / zoom
        return (rng.random() * (1 - height), rng.random() * (1 - width),
                height, width)


def cut(image: np.ndarray, window: tuple[float, float, float, float],
        method: Image.Resampling) -> np.ndarray:
    """Cut a window and bring it to the size of the picture.

    Args:
        image (ndarray): (H, W) or (H, W, 3).
        window (tuple): Top, left, height and width as fractions of the
            picture; what lies outside is mirrored.
        method (Image.Resampling): How to resample.

    Returns:
        ndarray: As large as ``image``.
    """
    size = image.shape[:2]
    pads, parts = [], []
    for length, start, extent in zip(size, window[:2], window[2:],
                                     strict=True):
        first = round(start * length)
        last = max(round((start + extent) * length), first + 1)
        before, after = max(-first, 0), max(last - length, 0)
        pads.append((before, after))
        parts.append(slice(first + before, last + before))
    pads += [(0, 0)] * (image.ndim - 2)
    padded = np.pad(image, pads, mode='symmetric')
    return resize_image(
        np.ascontiguousarray(padded[tuple(parts)]), size, method)
