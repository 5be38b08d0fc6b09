# Copyright (c) OpenMMLab. All rights reserved.
"""The random-number state of a process, as plain tensors and numbers."""

import random

import numpy as np
import torch


def get_random_state() -> dict:
    """Return the state of Python's, NumPy's and PyTorch's generators.

    Returns:
        dict: Only ints, floats, strings, lists and tensors, so that a
        checkpoint that holds it can be read without unpickling classes.
    """
    version, internal, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state()
    state = dict(
        python=[version, list(internal), gauss],
        numpy=[name, torch.from_numpy(keys.astype(np.int64)), int(position),
               int(has_gauss), float(cached)],
        torch=torch.get_rng_state())
    if torch.cuda.is_available():
        state['cuda'] = torch.cuda.get_rng_state()
    return state


def set_random_state(state: dict) -> None:
    """Set all generators to what :func:`get_random_state` returned.

    Args:
        state (dict): A state; ``cuda`` is ignored where there is no GPU.
    """
    version, internal, gauss = state['python']
    random.setstate((version, tuple(internal), gauss))
    name, keys, position, has_gauss, cached = state['numpy']
    np.random.set_state((name, keys.cpu().numpy().astype(np.uint32),
                         position, has_gauss, cached))
    torch.set_rng_state(state['torch'].cpu())
    if 'cuda' in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state['cuda'].cpu())
