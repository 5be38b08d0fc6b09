# Copyright (c) OpenMMLab. All rights reserved.
"""Putting back what a training knew besides its weights and optimiser."""

import re
from pathlib import Path

from mmavs.io.checkpoint import CheckpointError
from mmavs.utils.random_state import set_random_state

_CHECKPOINT = re.compile(r'(best_.+|(epoch|iter)_\d+)\.pth')


def check_file_names(runner, folder: Path) -> None:
    """Forget the names of files that are none of this training's.

    MMEngine's checkpoint hook deletes the files that a checkpoint names as
    the old best and as the old ones. A checkpoint from elsewhere could name
    anything.

    Args:
        runner (Runner): Its message hub was loaded from the checkpoint.
        folder (Path): Where the checkpoint is; files in it and in the work
            dir may be named, if their name is a checkpoint's.
    """
    known = runner.message_hub.runtime_info
    folders = {folder.resolve(), Path(runner.work_dir).resolve()}
    for key in [key for key in known
                if key == 'last_ckpt' or key.startswith('best_ckpt')]:
        path = Path(str(known[key]))
        if not _CHECKPOINT.fullmatch(path.name) or (
                path.resolve().parent not in folders):
            del known[key]
    numbers = known.get('keep_ckpt_ids')
    if numbers is not None and not (isinstance(numbers, list) and all(
            isinstance(number, int) for number in numbers)):
        del known['keep_ckpt_ids']


def resume_seed(runner, seed: int | None) -> None:
    """Go on with the seed the training was started with."""
    if seed is None or seed == runner.seed:
        return
    if runner._randomness_cfg.get('seed') is not None:
        runner.logger.warning(
            f'the checkpoint was trained with seed {seed}, the config says '
            f'{runner.seed}; going on with {seed}')
    runner._randomness_cfg.update(seed=seed)
    runner.set_randomness(**runner._randomness_cfg)
    sampler = getattr(runner.train_dataloader, 'sampler', None)
    if hasattr(sampler, 'seed'):  # built before the seed was known
        sampler.seed = seed


def resume_schedulers(runner, states) -> None:
    """Put the parameter schedulers back to where they were.

    Args:
        runner (Runner): Its ``param_schedulers`` are built or configs.
        states (list | dict | None): What the checkpoint holds.

    Raises:
        CheckpointError: If their number has changed.
    """
    runner.param_schedulers = runner.build_param_scheduler(
        runner.param_schedulers)
    groups = runner.param_schedulers
    if not isinstance(groups, dict):
        groups, states = {'': groups}, {'': states}
    for name, schedulers in groups.items():
        saved = (states or {}).get(name) or []
        if len(saved) != len(schedulers):
            raise CheckpointError(
                f'the config has {len(schedulers)} parameter schedulers, the '
                f'checkpoint {len(saved)}; resume with the config the '
                'training was started with')
        for scheduler, state in zip(schedulers, saved):
            scheduler.load_state_dict(state)


def resume_random_state(runner, states: list | None) -> None:
    """Put this process's random-number generators back."""
    if states is None or len(states) != runner.world_size:
        runner.logger.warning(
            'the checkpoint has no random-number state for '
            f'{runner.world_size} process(es): the training goes on, but not '
            'with the numbers of an uninterrupted one')
        return
    set_random_state(states[runner.rank])
