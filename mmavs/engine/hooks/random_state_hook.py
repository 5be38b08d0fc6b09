# Copyright (c) OpenMMLab. All rights reserved.
"""Keeps training's random numbers apart from everything else's."""

from mmengine.hooks import Hook

from mmavs.registry import HOOKS
from mmavs.utils.random_state import get_random_state, set_random_state


@HOOKS.register_module()
class RandomStateHook(Hook):
    """Make the random numbers of training independent of what runs between.

    A validation and the start of a data loader draw random numbers too. A
    resumed run does not repeat them, so that it would go on with other
    numbers than the run it continues. This hook puts the state back: after a
    validation, and at the first iteration of an epoch, when the loader has
    been started. :class:`AVSRunner` registers it by itself.
    """

    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self._at_epoch_start: dict | None = None
        self._before_val: dict | None = None

    def before_train_epoch(self, runner) -> None:
        """Remember the state before the data loader is started."""
        self._at_epoch_start = get_random_state()

    def before_train_iter(self, runner, batch_idx: int,
                          data_batch=None) -> None:
        """Go back to the state from before the loader was started."""
        if self._at_epoch_start is not None:
            set_random_state(self._at_epoch_start)
            self._at_epoch_start = None

    def before_val_epoch(self, runner) -> None:
        """Remember training's state."""
        self._before_val = get_random_state()

    def after_val_epoch(self, runner, metrics=None) -> None:
        """Go back to training's state."""
        if self._before_val is not None:
            set_random_state(self._before_val)
            self._before_val = None
