# Copyright (c) OpenMMLab. All rights reserved.
"""Starting a training from the checkpoint of a related model."""

from collections.abc import Sequence
from pathlib import Path

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper

from mmavs.io.checkpoint import CheckpointNotFoundError
from mmavs.io.fit import TABLES, fit_weights
from mmavs.registry import HOOKS


@HOOKS.register_module()
class FitCheckpointHook(Hook):
    """Fit the weights of ``load_from`` to the model before they are loaded.

    Tables of positions are interpolated, weights of other shapes are left
    out, and the log says which. This is how SelM starts on MS3 from its S4
    weights: the two differ in the tables of CLEVER and in the depth of its
    mask head. Only the start of a training is touched; a resume and a test
    load their checkpoints as they are. Needs ``AVSRunner``.

    Args:
        tables (Sequence[str]): As in :func:`mmavs.io.fit.fit_weights`.
            Defaults to names that end in ``pos_embed``.
    """

    priority = 'LOW'

    def __init__(self, *, tables: Sequence[str] = TABLES) -> None:
        self.tables = tuple(tables)

    def before_run(self, runner) -> None:
        """Say what to do if the checkpoint is not there.

        Raises:
            CheckpointNotFoundError: Names the file and the fix.
        """
        path = runner._load_from
        if (_trains(runner) and path and not runner._resume
                and '://' not in str(path)
                and not Path(path).expanduser().is_file()):
            raise CheckpointNotFoundError(
                f'{path}, the checkpoint to start from, does not exist; give '
                'the path of one that was trained here, or of a converted '
                'one (tools/model_converters), with --cfg-options '
                'load_from=PATH')

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Replace the checkpoint's weights by those that fit."""
        if runner.was_resumed or not _trains(runner):
            return
        model = runner.model
        if is_model_wrapper(model):
            model = model.module
        state = checkpoint.get('state_dict', checkpoint)
        weights = {name.removeprefix('module.'): value
                   for name, value in state.items()}
        report = fit_weights(weights, model.state_dict(), tables=self.tables)
        runner.logger.info(
            f'fitting {runner._load_from} to the model: {report}')
        if report.weights:  # else the loader says that nothing belongs here
            checkpoint['state_dict'] = report.weights


def _trains(runner) -> bool:
    """Whether a training starts; only then its loop is built."""
    return not isinstance(runner._train_loop, dict | None)
