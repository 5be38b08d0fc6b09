# Copyright (c) OpenMMLab. All rights reserved.
"""Size and direction of frames and masks, the same for a whole clip."""

import numpy as np
from PIL import Image

from mmavs.registry import TRANSFORMS

from .base import ClipTransform, check_probability, check_size
from .images import resize_image

_BILINEAR = Image.Resampling.BILINEAR
_NEAREST = Image.Resampling.NEAREST


@TRANSFORMS.register_module()
class ResizeFrames(ClipTransform):
    """Resize the frames (bilinear, antialiased), not the masks.

    Required Keys: frames. Modified Keys: frames, img_shape.

    Args:
        size (int | tuple[int, int]): Side of a square or (height, width).
    """

    def __init__(self, size: int | tuple[int, int]) -> None:
        self.size = check_size(size)

    def transform(self, results: dict) -> dict:
        """Resize; see the class."""
        frames = self.need(results, 'frames', 'LoadClipFrames')
        results['frames'] = [resize_image(frame, self.size, _BILINEAR)
                             for frame in frames]
        results['img_shape'] = self.size
        return results


@TRANSFORMS.register_module()
class ResizeMasks(ClipTransform):
    """Resize the masks (nearest), not the frames.

    Predictions are judged at the size of the masks.

    Required Keys: masks. Modified Keys: masks, mask_shape.

    Args:
        size (int | tuple[int, int]): Side of a square or (height, width).
    """

    def __init__(self, size: int | tuple[int, int]) -> None:
        self.size = check_size(size)

    def transform(self, results: dict) -> dict:
        """Resize; see the class."""
        masks = self.need(results, 'masks', 'LoadClipMasks')
        results['masks'] = [resize_image(mask, self.size, _NEAREST)
                            for mask in masks]
        results['mask_shape'] = self.size
        return results


@TRANSFORMS.register_module()
class AVSSCrop(ClipTransform):
    """Bring frames and masks of AVSBench-semantic to a square.

    In training the short side becomes ``size`` and the centre is cut out;
    otherwise everything is resized to the square, whatever its shape, as
    the official loader does.

    Required Keys: frames, masks (optional). Modified Keys: frames, masks,
    img_shape, mask_shape.

    Args:
        size (int): Side of the square. Defaults to 224.
        training (bool): Whether to keep the shape of things and crop.
            Defaults to True.
    """

    def __init__(self, size: int = 224, *, training: bool = True) -> None:
        self.size = check_size(size)
        if self.size[0] != self.size[1]:
            raise ValueError(f'AVSSCrop cuts squares, got size={size!r}')
        self.training = training

    def transform(self, results: dict) -> dict:
        """Crop or resize; see the class."""
        self.need(results, 'frames', 'LoadClipFrames')
        for key, shape, method in (('frames', 'img_shape', _BILINEAR),
                                   ('masks', 'mask_shape', _NEAREST)):
            if key in results:
                results[key] = [self._square(image, method)
                                for image in results[key]]
                results[shape] = self.size
        return results

    def _square(self, image: np.ndarray,
                method: Image.Resampling) -> np.ndarray:
        if not self.training:
            return resize_image(image, self.size, method)
        side = self.size[0]
        height, width = image.shape[:2]
        short = min(height, width)
        # The long side is rounded down, the offset to the nearest even.
        shape = (int(height * side / short), int(width * side / short))
        image = resize_image(image, shape, method)
        top, left = (int(round((n - side) / 2)) for n in shape)
        return image[top:top + side, left:left + side]


@TRANSFORMS.register_module()
class RandomClipFlip(ClipTransform):
    """Mirror all frames and masks of a clip, left to right, or none.

    Required Keys: frames, masks (optional). Modified Keys: frames, masks.
    Added Keys: flip (bool).

    Args:
        prob (float): Probability of mirroring. Defaults to 0.5.
    """

    def __init__(self, prob: float = 0.5) -> None:
        self.prob = check_probability(prob)

    def transform(self, results: dict) -> dict:
        """Mirror or not; see the class."""
        self.need(results, 'frames', 'LoadClipFrames')
        results['flip'] = bool(self.rng(results).random() < self.prob)
        if results['flip']:
            for key in ('frames', 'masks'):
                if key in results:
                    results[key] = [np.ascontiguousarray(image[:, ::-1])
                                    for image in results[key]]
        return results
