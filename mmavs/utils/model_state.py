# Copyright (c) OpenMMLab. All rights reserved.
"""Putting a checkpoint's weights into a model."""

import os

from mmengine.runner.checkpoint import _load_checkpoint_to_model
from torch import nn

from mmavs.io.checkpoint import CheckpointError

DROP_MODULE = [(r'^module\.', '')]


def load_model_state(model: nn.Module, checkpoint: dict,
                     filename: str | os.PathLike, *, strict: bool = False,
                     revise_keys: list | None = None) -> None:
    """Load the weights of a checkpoint that was read already.

    Args:
        model (nn.Module): The model, not wrapped.
        checkpoint (dict): With ``state_dict``, or the weights themselves.
        filename (str | PathLike): Where it is from, for the messages.
        strict (bool): Whether all names must agree. Defaults to False.
        revise_keys (list, optional): (pattern, replacement) pairs for the
            names. Defaults to removing a leading ``module.``.

    Raises:
        CheckpointError: If none of the weights belongs to the model, or with
            ``strict`` some do not fit.
    """
    state = (checkpoint.get('state_dict', checkpoint)
             if isinstance(checkpoint, dict) else {})
    names = {str(key).removeprefix('module.') for key in state}
    if revise_keys is None and names.isdisjoint(model.state_dict()):
        raise CheckpointError(
            f'none of the weights in {filename} belongs to this model '
            f'({type(model).__name__}); is it the checkpoint of another '
            'config, or not converted yet (tools/model_converters)?')
    try:
        _load_checkpoint_to_model(
            model, checkpoint, strict, logger='current',
            revise_keys=DROP_MODULE if revise_keys is None else revise_keys)
    except RuntimeError as error:
        reason = ' '.join(str(error).split())
        raise CheckpointError(
            f'{filename} does not fit the model of this config: '
            f'{reason[:500]}') from None
