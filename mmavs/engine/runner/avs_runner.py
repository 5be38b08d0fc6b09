# Copyright (c) OpenMMLab. All rights reserved.
"""MMEngine's Runner with safe loading, exact resume and CPU processes."""

import atexit
import gc
import os
import time
from datetime import timedelta
from pathlib import Path

import mmengine
import torch
from mmengine.dist import all_gather_object, is_distributed, is_main_process
from mmengine.fileio import join_path
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmengine.runner.checkpoint import save_checkpoint, weights_to_cpu
from mmengine.utils import apply_to
from torch import nn

from mmavs.engine.hooks.clip_report_hook import ClipReportHook
from mmavs.engine.hooks.random_state_hook import RandomStateHook
from mmavs.engine.hooks.resume_val_hook import ResumeValHook
from mmavs.engine.hooks.sync_loss_hook import SyncLossHook
from mmavs.io import atomic_write
from mmavs.io.checkpoint import CheckpointError, load_checkpoint_file
from mmavs.registry import RUNNERS
from mmavs.utils.model_state import load_model_state
from mmavs.utils.random_state import get_random_state
from mmavs.utils.workers import stop_workers
from mmavs.version import __version__

from .checkpoints import check_resumable, read_newest, remove_leftovers
from .resume import (
    check_file_names,
    resume_random_state,
    resume_schedulers,
    resume_seed,
)

CPU_WRAPPER = dict(type='MMDistributedDataParallel', device_ids=None)


@RUNNERS.register_module()
class AVSRunner(Runner):
    """Runs training, validation and test as MMEngine does, with four changes.

    - Checkpoints are read without executing anything they contain, and the
      config text in a checkpoint is never evaluated.
    - Checkpoints are written to a temporary file, flushed and renamed, so
      that a killed run leaves no half-written one.
    - A run that is resumed ends with the weights of the uninterrupted run,
      bit for bit on the CPU: the random-number states of all processes are
      saved, and :class:`RandomStateHook` keeps training's numbers apart.
    - Several processes work without a GPU, over gloo.

    The arguments are those of :class:`mmengine.runner.Runner`; ``resume`` is
    also ``'auto'``: go on from the newest usable checkpoint of the work dir,
    and start from ``load_from`` or from scratch if there is none.
    """

    was_resumed = False

    # ---- processes -----------------------------------------------------

    def setup_env(self, env_cfg: dict) -> None:
        """Join the process group; gloo where there is no GPU."""
        if self.distributed and not is_distributed() and (
                not torch.cuda.is_available()
                or env_cfg.get('dist_cfg', {}).get('backend') == 'gloo'):
            self._init_gloo(env_cfg.get('dist_cfg', {}).get('timeout', 1800))
        super().setup_env(env_cfg)

    def _init_gloo(self, timeout: float) -> None:
        missing = [key for key in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK',
                                   'MASTER_ADDR', 'MASTER_PORT')
                   if key not in os.environ]
        if missing:
            raise ValueError(
                f'launcher={self.launcher!r} without a GPU needs the '
                f'environment variables {", ".join(missing)}; start the '
                'processes with torchrun (tools/dist_train.sh CONFIG N)')
        torch.distributed.init_process_group(
            'gloo', timeout=timedelta(seconds=timeout))
        # Its threads must end before the interpreter does: an exit with
        # them alive now and then aborts the process.
        atexit.register(_leave_process_group)

    def wrap_model(self, model_wrapper_cfg: dict | None,
                   model: nn.Module) -> nn.Module:
        """Wrap for several processes; without device ids on the CPU."""
        on_cpu = not torch.cuda.is_available()
        if self.distributed and on_cpu and not is_model_wrapper(model):
            model_wrapper_cfg = {
                'broadcast_buffers': False,
                'find_unused_parameters': self.cfg.get(
                    'find_unused_parameters', False),
                **CPU_WRAPPER, **(model_wrapper_cfg or {}),
                'device_ids': None}
        return super().wrap_model(model_wrapper_cfg, model)

    def rewrap_model(self) -> None:
        """Wrap the model anew after parameters were frozen or released.

        DDP decides when it wraps which parameters it synchronises.
        """
        if not is_model_wrapper(self.model):
            return
        model = self.model.module
        # Drop the old wrapper first: its hooks on the gradients go with it.
        self.model = model
        self.model = self.wrap_model(self.cfg.get('model_wrapper_cfg'), model)
        self._maybe_compile('train_step')

    def register_hooks(self, default_hooks: dict | None = None,
                       custom_hooks: list | None = None) -> None:
        """Register the config's hooks and those every run needs."""
        super().register_hooks(default_hooks, custom_hooks)
        for kind in (ClipReportHook, RandomStateHook, ResumeValHook,
                     SyncLossHook):
            if not any(isinstance(hook, kind) for hook in self._hooks):
                self.register_hook(kind())

    # ---- running -------------------------------------------------------

    def train(self) -> nn.Module:
        """Train, and stop the data loaders' workers afterwards."""
        try:
            return super().train()
        finally:
            stop_workers(self._train_loop, self._val_loop)

    def val(self) -> dict:
        """Validate, and stop the data loader's workers afterwards."""
        try:
            return super().val()
        finally:
            stop_workers(self._val_loop)

    def test(self) -> dict:
        """Test, and stop the data loader's workers afterwards."""
        try:
            return super().test()
        finally:
            stop_workers(self._test_loop)

    # ---- reading -------------------------------------------------------

    def load_or_resume(self) -> None:
        """Load weights or go on with a training, as the config asks."""
        if self._has_loaded:
            return
        if self._resume and (self._resume == 'auto' or not self._load_from):
            if self._resume_newest():
                return
        elif self._resume:
            self.resume(self._load_from)
            return
        if self._load_from:
            self.load_checkpoint(self._load_from)

    def _resume_newest(self) -> bool:
        if is_main_process():
            for path in remove_leftovers(self.work_dir):
                self.logger.info(f'removed the half-written {path}')
        found = read_newest(self.work_dir, warn=self.logger.warning)
        names = [None if found is None else found[0].name]
        if self.distributed:
            names = all_gather_object(names[0])
        if len(set(names)) > 1:
            raise CheckpointError(
                f'the processes see different checkpoints in {self.work_dir} '
                f'({names}); all machines need the same work dir')
        if found is None:
            self.logger.info(f'no checkpoint in {self.work_dir} to resume '
                             'from: starting anew')
            return False
        self._resume_from(*found)
        return True

    def resume(self, filename: str, resume_optimizer: bool = True,
               resume_param_scheduler: bool = True,
               map_location='cpu') -> None:
        """Go on with a training from a checkpoint.

        Args:
            filename (str): A checkpoint with the state of a training.
            resume_optimizer (bool): Defaults to True.
            resume_param_scheduler (bool): Defaults to True.
            map_location: As in :func:`torch.load`. Defaults to 'cpu'.

        Raises:
            CheckpointError: If the file cannot be read safely, or holds
                weights only.
        """
        if map_location == 'default':
            map_location = 'cpu'
        checkpoint = load_checkpoint_file(filename, map_location=map_location)
        if resume_optimizer:
            check_resumable(checkpoint, filename)
        self._resume_from(filename, checkpoint,
                          resume_optimizer=resume_optimizer,
                          resume_param_scheduler=resume_param_scheduler)

    def _resume_from(self, filename, checkpoint: dict, *,
                     resume_optimizer: bool = True,
                     resume_param_scheduler: bool = True) -> None:
        self.was_resumed = True  # known to the hooks of loading
        self._load_state(checkpoint, filename, strict=True)
        meta = checkpoint['meta']
        self.train_loop._epoch = meta['epoch']
        self.train_loop._iter = meta['iter']
        resume_seed(self, meta.get('seed'))
        self.message_hub.load_state_dict(checkpoint['message_hub'])
        check_file_names(self, Path(filename).parent)
        if resume_optimizer:
            self.optim_wrapper = self.build_optim_wrapper(self.optim_wrapper)
            self.optim_wrapper.load_state_dict(checkpoint['optimizer'])
        if resume_param_scheduler and self.param_schedulers is not None:
            resume_schedulers(self, checkpoint.get('param_schedulers'))
        resume_random_state(self, checkpoint.get('random_state'))
        self.logger.info(f'resumed from {filename}: epoch {self.epoch}, '
                         f'iteration {self.iter}')

    def load_checkpoint(self, filename: str, map_location='cpu',
                        strict: bool = False,
                        revise_keys: list | None = None) -> dict:
        """Load weights.

        Args:
            filename (str): Path or URL.
            map_location: As in :func:`torch.load`. Defaults to 'cpu'.
            strict (bool): Whether all names must agree. Defaults to False.
            revise_keys (list, optional): (pattern, replacement) pairs for
                the names. Defaults to removing a leading ``module.``.

        Returns:
            dict: The checkpoint.

        Raises:
            CheckpointError: If the file cannot be read safely, or none of
                its weights belongs to this model.
        """
        checkpoint = load_checkpoint_file(filename, map_location=map_location)
        self._load_state(checkpoint, filename, strict=strict,
                         revise_keys=revise_keys)
        self.logger.info(f'loaded the weights of {filename}')
        return checkpoint

    def _load_state(self, checkpoint: dict, filename, *, strict: bool,
                    revise_keys: list | None = None) -> None:
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        load_model_state(self._bare_model, checkpoint, filename,
                         strict=strict, revise_keys=revise_keys)
        self._has_loaded = True

    # ---- writing -------------------------------------------------------

    @property
    def _bare_model(self) -> nn.Module:
        wrapped = is_model_wrapper(self.model)
        return self.model.module if wrapped else self.model

    def save_checkpoint(self, out_dir: str, filename: str,
                        file_client_args: dict | None = None,
                        save_optimizer: bool = True,
                        save_param_scheduler: bool = True,
                        meta: dict | None = None, by_epoch: bool = True,
                        backend_args: dict | None = None) -> None:
        """Write a checkpoint; all processes must call it.

        The arguments are those of :class:`mmengine.runner.Runner`. Local
        files are written atomically.
        """
        random_state = get_random_state()
        states = (all_gather_object(random_state) if self.distributed
                  else [random_state])
        if not is_main_process():
            return
        checkpoint = dict(
            meta=self._checkpoint_meta(dict(meta or {}), by_epoch),
            state_dict=weights_to_cpu(self._bare_model.state_dict()),
            message_hub=_to_cpu(self.message_hub.state_dict()),
            random_state=states)
        if save_optimizer:
            checkpoint['optimizer'] = _to_cpu(self.optim_wrapper.state_dict())
        if save_param_scheduler and self.param_schedulers is not None:
            checkpoint['param_schedulers'] = self._scheduler_states()
        self.call_hook('before_save_checkpoint', checkpoint=checkpoint)
        if file_client_args or backend_args or '://' in str(out_dir):
            save_checkpoint(
                checkpoint,
                join_path(out_dir, filename, backend_args=backend_args),
                file_client_args=file_client_args, backend_args=backend_args)
            return
        with atomic_write(Path(out_dir) / filename) as file:
            torch.save(checkpoint, file)

    def _checkpoint_meta(self, meta: dict, by_epoch: bool) -> dict:
        # The epoch counter rises after the hooks that save have run.
        meta.setdefault('epoch', self.epoch + int(by_epoch))
        meta.setdefault('iter', self.iter + int(not by_epoch))
        meta.update(
            cfg=self.cfg.pretty_text, seed=self.seed,
            experiment_name=self.experiment_name,
            time=time.strftime('%Y%m%d_%H%M%S'),
            mmengine_version=mmengine.__version__,
            mmavs_version=__version__)
        dataset = self.train_dataloader.dataset
        if hasattr(dataset, 'metainfo'):
            meta.update(dataset_meta=dataset.metainfo)
        return meta

    def _scheduler_states(self) -> list | dict:
        schedulers = self.param_schedulers
        if isinstance(schedulers, dict):
            return {name: [s.state_dict() for s in group]
                    for name, group in schedulers.items()}
        return [s.state_dict() for s in schedulers]


def _leave_process_group() -> None:
    if torch.distributed.is_initialized():
        # The wrapper of a model that is not needed any more holds the group
        # as well, and the group's threads end with its last holder.
        gc.collect()
        torch.distributed.destroy_process_group()


def _to_cpu(state):
    return apply_to(state, lambda x: hasattr(x, 'cpu'), lambda x: x.cpu())
