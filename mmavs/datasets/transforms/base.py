# Copyright (c) OpenMMLab. All rights reserved.
"""What the transforms of clips have in common."""

from abc import abstractmethod

import numpy as np
from mmcv.transforms import BaseTransform


class ClipTransform(BaseTransform):
    """A step that changes the dict of one clip.

    Random steps draw from :meth:`rng` only. It depends on (seed, epoch,
    position of the clip) and on how many random steps came before, so that
    neither the number of workers, nor their order, nor resuming changes how
    a clip is augmented.
    """

    @abstractmethod
    def transform(self, results: dict) -> dict:
        """Change the clip.

        Args:
            results (dict): The clip so far.

        Returns:
            dict: The same dict.
        """

    def rng(self, results: dict) -> np.random.Generator:
        """Return a fresh random generator for this clip and step.

        Args:
            results (dict): The clip; ``aug_key`` = (seed, epoch, position)
                is used, (0, 0, 0) if it has none.

        Returns:
            Generator: The same for the same key and step.
        """
        step = results.get('random_steps', 0)
        results['random_steps'] = step + 1
        key = results.get('aug_key', (0, 0, 0))
        return np.random.default_rng([*map(int, key), step])

    def need(self, results: dict, key: str, maker: str) -> object:
        """Return a value that an earlier step must have made.

        Args:
            results (dict): The clip.
            key (str): What is needed.
            maker (str): The transform that makes it.

        Raises:
            KeyError: If it is not there.
        """
        if key not in results:
            raise KeyError(f'{type(self).__name__} needs {key!r}; put '
                           f'{maker} before it in the pipeline')
        return results[key]

    def __repr__(self) -> str:
        options = ', '.join(f'{key}={value!r}' for key, value
                            in vars(self).items() if not key.startswith('_'))
        return f'{type(self).__name__}({options})'


def check_probability(prob: float) -> float:
    """Return ``prob`` if it is a probability, raise ValueError otherwise."""
    if not 0 <= prob <= 1:
        raise ValueError(f'prob must be between 0 and 1, got {prob}')
    return prob


def check_size(size: int | tuple[int, int]) -> tuple[int, int]:
    """Return a size as (height, width).

    Args:
        size (int | tuple[int, int]): Side of a square, or (height, width).

    Raises:
        ValueError: If it is no size.
    """
    pair = (size, size) if isinstance(size, int) else tuple(size)
    if len(pair) != 2 or any(
            not isinstance(n, int) or n < 1 for n in pair):
        raise ValueError('size must be a positive int or (height, width), '
                         f'got {size!r}')
    return pair
