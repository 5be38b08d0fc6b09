# Copyright (c) OpenMMLab. All rights reserved.
"""The validation that an interruption may have cut."""

from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop

from mmavs.registry import HOOKS


@HOOKS.register_module()
class ResumeValHook(Hook):
    """Validate the epoch a training is resumed at, if it was due.

    A checkpoint is written before the validation of its epoch. A run killed
    in between would never validate that epoch, and the best checkpoint might
    be another one than the uninterrupted run's. Repeating a validation that
    was done changes nothing. :class:`AVSRunner` registers this hook by itself
    and sets ``runner.was_resumed``.
    """

    priority = 'LOWEST'  # the checkpoint hook has to be ready

    def before_train(self, runner) -> None:
        """Run the validation before the training goes on."""
        loop = runner.train_loop
        if not getattr(runner, 'was_resumed', False) or not isinstance(
                loop, EpochBasedTrainLoop) or runner.val_loop is None:
            return
        due = loop.epoch >= loop.val_begin and (
            loop.epoch % loop.val_interval == 0
            or loop.epoch == loop.max_epochs)
        if due:
            runner.val_loop.run()
