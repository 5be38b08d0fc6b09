# Copyright (c) OpenMMLab. All rights reserved.
"""Parts of a model whose weights are not in its checkpoints."""

from torch import nn


def load_frozen_parts(model: nn.Module) -> None:
    """Load the own weights of frozen parts, e.g. of the audio encoder.

    Checkpoints leave them out. Training loads them with all other initial
    weights; testing and inference need only these.

    Args:
        model (nn.Module): A model; each module with ``frozen=True`` and an
            ``init_weights`` is asked to initialise itself, once.
    """
    for module in model.modules():
        if getattr(module, 'frozen', False) and hasattr(
                module, 'init_weights'):
            module.init_weights()
