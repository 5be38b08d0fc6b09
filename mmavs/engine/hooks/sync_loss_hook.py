# Copyright (c) OpenMMLab. All rights reserved.
"""Losses of all processes in the log."""

import torch
from mmengine.dist import all_reduce, is_distributed
from mmengine.hooks import Hook

from mmavs.registry import HOOKS


@HOOKS.register_module()
class SyncLossHook(Hook):
    """Average the logged losses over the processes.

    A loss is a sum over a process's labelled frames, divided by the number
    that all processes have, times their number. Only the mean over processes
    is the loss of the batch; one process's share says little.
    :class:`AVSRunner` registers this hook by itself.
    """

    priority = 'HIGHEST'  # before RuntimeInfoHook, which takes them over

    def after_train_iter(self, runner, batch_idx: int, data_batch=None,
                         outputs: dict | None = None) -> None:
        """Replace the losses by their means, in place."""
        if not outputs or not is_distributed():
            return
        names = sorted(name for name, value in outputs.items()
                       if isinstance(value, torch.Tensor))
        values = torch.stack([outputs[name].detach().float().mean()
                              for name in names])
        all_reduce(values, op='mean')
        outputs.update(zip(names, values))
