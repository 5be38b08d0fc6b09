# Copyright (c) OpenMMLab. All rights reserved.
"""From the paths of a clip to frames and masks."""

import numpy as np

from mmavs.datasets.errors import ClipError
from mmavs.registry import TRANSFORMS

from .base import ClipTransform
from .images import (
    binary_mask,
    colour_mask,
    index_mask,
    is_coloured,
    read_image,
)

MASK_KINDS = ('binary', 'index', 'rgb', 'semantic')


@TRANSFORMS.register_module()
class LoadClipFrames(ClipTransform):
    """Read the frames of a clip.

    Required Keys:

    - clip_id
    - frame_paths (T)

    Added Keys:

    - frames: list of T arrays (H, W, 3) uint8 RGB
    - ori_shape, img_shape: (H, W)
    - valid: (T,) bool, all True
    """

    def transform(self, results: dict) -> dict:
        """Read the frames; see the class.

        Raises:
            ClipError: If a frame is missing, broken or has another size.
        """
        clip_id, paths = results['clip_id'], results['frame_paths']
        frames = [np.asarray(read_image(path, clip_id).convert('RGB'))
                  for path in paths]
        _check_same_size(clip_id, paths, frames)
        results['frames'] = frames
        results['ori_shape'] = results['img_shape'] = frames[0].shape[:2]
        results['valid'] = np.ones(len(frames), dtype=bool)
        return results


@TRANSFORMS.register_module()
class LoadClipMasks(ClipTransform):
    """Read the masks of a clip; seconds without one get an empty mask.

    Required Keys:

    - clip_id
    - mask_paths (T), None where there is no label
    - label_valid (T)
    - ori_shape, if no second has a label

    Modified Keys:

    - label_valid: (T,) bool array

    Added Keys:

    - masks: list of T arrays (H, W) uint8
    - mask_shape: (H, W)

    Args:
        kind (str): How a file is understood. 'binary': decoded to grey,
            foreground above 127 (S4 and MS3). 'index': values are class
            indices. 'rgb': VOC colours; unknown ones become background.
            'semantic': 'rgb' for coloured files, else 'index' (AVSS).
            Defaults to 'binary'.
        num_classes (int): Number of classes for all kinds but 'binary'.
            Defaults to 71.
    """

    def __init__(self, kind: str = 'binary', *,
                 num_classes: int = 71) -> None:
        if kind not in MASK_KINDS:
            raise ValueError(f'kind must be one of {MASK_KINDS}, got '
                             f'{kind!r}')
        if not 2 <= num_classes <= 256:
            raise ValueError('num_classes must be 2 to 256, got '
                             f'{num_classes}')
        self.kind = kind
        self.num_classes = num_classes

    def transform(self, results: dict) -> dict:
        """Read the masks; see the class.

        Raises:
            ClipError: If a mask is missing, broken, has another size, or
                holds what ``kind`` does not allow.
        """
        clip_id = results['clip_id']
        paths = [path for path in results['mask_paths'] if path is not None]
        loaded = {path: self._read(path, clip_id) for path in paths}
        _check_same_size(clip_id, paths, list(loaded.values()))
        if loaded:
            shape = loaded[paths[0]].shape
        else:
            shape = self.need(results, 'ori_shape', 'LoadClipFrames')
        results['masks'] = [
            np.zeros(shape, np.uint8) if path is None else loaded[path]
            for path in results['mask_paths']]
        results['mask_shape'] = tuple(shape)
        results['label_valid'] = np.array(results['label_valid'], dtype=bool)
        return results

    def _read(self, path: str, clip_id: str) -> np.ndarray:
        image = read_image(path, clip_id)
        coloured = is_coloured(image)
        if self.kind == 'binary':
            return binary_mask(image)
        if self.kind == 'rgb' or (self.kind == 'semantic' and coloured):
            return colour_mask(image, self.num_classes)
        if coloured:
            raise ClipError(clip_id, path, 'holds colours, not class '
                            'indices; use LoadClipMasks(kind="rgb")')
        mask = index_mask(image)
        if mask.size and mask.max() >= self.num_classes:
            raise ClipError(
                clip_id, path, f'holds the class index {mask.max()}, but '
                f'LoadClipMasks has num_classes={self.num_classes}')
        return mask.astype(np.uint8)


def _check_same_size(clip_id: str, paths: list[str],
                     images: list[np.ndarray]) -> None:
    for path, image in zip(paths, images):
        if image.shape[:2] != images[0].shape[:2]:
            raise ClipError(
                clip_id, path, f'is {image.shape[:2]} high and wide, the '
                f'clip\'s first one is {images[0].shape[:2]}')
