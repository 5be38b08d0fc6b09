# Copyright (c) OpenMMLab. All rights reserved.
"""Colour changes, the same for a whole clip."""

import numpy as np
from PIL import Image, ImageEnhance

from mmavs.registry import TRANSFORMS

from .base import ClipTransform, check_probability


@TRANSFORMS.register_module()
class ClipPhotometricJitter(ClipTransform):
    """Change brightness, contrast, saturation and hue of a clip.

    All frames get the same change, in a random order of the four.

    Required Keys: frames. Modified Keys: frames.

    Args:
        brightness (float): The factor is drawn from [1 - b, 1 + b].
            Defaults to 0.3.
        contrast (float): The same for contrast. Defaults to 0.3.
        saturation (float): The same for saturation. Defaults to 0.3.
        hue (float): The hue turns by a part of the circle drawn from [-h,
            h], at most 0.5. Defaults to 0.05.
        prob (float): Probability of any change. Defaults to 1.0.
    """

    def __init__(self, *, brightness: float = 0.3, contrast: float = 0.3,
                 saturation: float = 0.3, hue: float = 0.05,
                 prob: float = 1.0) -> None:
        strengths = dict(brightness=brightness, contrast=contrast,
                         saturation=saturation, hue=2 * hue)
        for name, value in strengths.items():
            if not 0 <= value <= 1:
                raise ValueError(f'{name} is out of range (0 to 1, hue 0 to '
                                 '0.5)')
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.hue = hue
        self.prob = check_probability(prob)

    def transform(self, results: dict) -> dict:
        """Change the colours; see the class."""
        frames = self.need(results, 'frames', 'LoadClipFrames')
        rng = self.rng(results)
        if rng.random() >= self.prob:
            return results
        steps = [
            (_brighten, 1 + rng.uniform(-self.brightness, self.brightness)),
            (_contrast, 1 + rng.uniform(-self.contrast, self.contrast)),
            (_saturate, 1 + rng.uniform(-self.saturation, self.saturation)),
            (_turn_hue, rng.uniform(-self.hue, self.hue))]
        order = rng.permutation(len(steps))
        images = [Image.fromarray(frame) for frame in frames]
        for place in order:
            change, amount = steps[place]
            images = [change(image, amount) for image in images]
        results['frames'] = [np.asarray(image) for image in images]
        return results


def _brighten(image: Image.Image, factor: float) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(factor)


def _contrast(image: Image.Image, factor: float) -> Image.Image:
    return ImageEnhance.Contrast(image).enhance(factor)


def _saturate(image: Image.Image, factor: float) -> Image.Image:
    return ImageEnhance.Color(image).enhance(factor)


def _turn_hue(image: Image.Image, turn: float) -> Image.Image:
    shift = round(turn * 256)
    if not shift:
        return image
    hue, saturation, value = image.convert('HSV').split()
    hue = hue.point([(level + shift) % 256 for level in range(256)])
    return Image.merge('HSV', (hue, saturation, value)).convert('RGB')
