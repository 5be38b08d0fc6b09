# Copyright (c) OpenMMLab. All rights reserved.
"""Training a part of the model only from some epoch on."""

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from torch import nn

from mmavs.registry import HOOKS


@HOOKS.register_module()
class UnfreezeHook(Hook):
    """Keep a module frozen at first and release it at an epoch.

    While frozen, its parameters get neither gradients nor updates nor weight
    decay; their optimiser settings (learning rate and so on) are those of the
    config from the start. What the module itself keeps frozen (e.g.
    ``frozen_stages``) stays so. Works with several processes, where the model
    has to be wrapped anew, and after a resume on either side of the epoch.

    Args:
        module (str): Name of the sub-module. Defaults to ``backbone``.
        epoch (int): Number of epochs to train without it. Defaults to 15,
            as SelM's ResNet-50 on MS3.
        eval_mode (bool): Whether the module is in eval mode while frozen,
            so that BatchNorm statistics stay as they are. Defaults to False.
    """

    priority = 'NORMAL'

    def __init__(self, *, module: str = 'backbone', epoch: int = 15,
                 eval_mode: bool = False) -> None:
        if epoch < 0:
            raise ValueError(f'UnfreezeHook.epoch must be >= 0, got {epoch}')
        self.module = module
        self.epoch = epoch
        self.eval_mode = eval_mode
        self._frozen: list[nn.Parameter] = []

    def before_train(self, runner) -> None:
        """Freeze the module unless its epoch is reached already."""
        if runner.epoch >= self.epoch:
            return
        part = self._find(runner)
        # Done after the optimiser was built: MMEngine's constructor gives
        # parameters that are frozen then no settings of their own.
        self._frozen = [p for p in part.parameters() if p.requires_grad]
        for parameter in self._frozen:
            parameter.requires_grad_(False)
            parameter.grad = None
        self._rewrap(runner)
        runner.logger.info(
            f'{self.module} is frozen for the first {self.epoch} epochs '
            f'({len(self._frozen)} parameters)')

    def before_train_epoch(self, runner) -> None:
        """Release the module when its epoch starts."""
        if not self._frozen or runner.epoch < self.epoch:
            return
        for parameter in self._frozen:
            parameter.requires_grad_(True)
        runner.logger.info(f'{self.module} is trained from epoch '
                           f'{runner.epoch + 1} on')
        self._frozen = []
        self._rewrap(runner)

    def before_train_iter(self, runner, batch_idx: int,
                          data_batch=None) -> None:
        """Put the frozen module into eval mode after ``model.train()``."""
        if batch_idx == 0 and self._frozen and self.eval_mode:
            self._find(runner).eval()

    def _find(self, runner) -> nn.Module:
        model = runner.model
        if is_model_wrapper(model):
            model = model.module
        try:
            return model.get_submodule(self.module)
        except AttributeError:
            names = [name for name, _ in model.named_children()]
            raise ValueError(
                f'UnfreezeHook.module={self.module!r} is not a part of the '
                f'model; its parts are {names}') from None

    @staticmethod
    def _rewrap(runner) -> None:
        if not is_model_wrapper(runner.model):
            return
        if not hasattr(runner, 'rewrap_model'):
            raise TypeError('UnfreezeHook with several processes needs '
                            "runner_type='AVSRunner' in the config")
        # No process may go on with the old wrapper.
        torch.distributed.barrier()
        runner.rewrap_model()
