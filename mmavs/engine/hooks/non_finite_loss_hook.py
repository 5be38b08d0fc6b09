# Copyright (c) OpenMMLab. All rights reserved.
"""What happens when a loss is NaN or infinite."""

import math

import torch
from mmengine.dist import all_gather_object, is_distributed
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmavs.registry import HOOKS


class NonFiniteLossError(RuntimeError):
    """A loss was NaN or infinite; the message names the clips."""


@HOOKS.register_module()
class NonFiniteLossHook(Hook):
    """Stop at a NaN or infinite loss, before it reaches the weights.

    The losses are checked as they leave the model, so the weights are still
    those before the step when the checkpoint ``non_finite.pth`` is written.
    With several processes all of them stop or skip together.

    Args:
        action (str): ``stop`` writes a checkpoint and raises; ``skip`` leaves
            the weights alone and goes on. Defaults to ``stop``.
        max_skips (int): Number of skipped batches in a row that stops the
            training after all. Defaults to 10.

    Raises:
        NonFiniteLossError: Names the loss parts and the clips.
    """

    FILENAME = 'non_finite.pth'

    def __init__(self, *, action: str = 'stop', max_skips: int = 10) -> None:
        if action not in ('stop', 'skip'):
            raise ValueError("NonFiniteLossHook.action must be 'stop' or "
                             f"'skip', got {action!r}")
        self.action = action
        self.max_skips = max_skips
        self._runner = None
        self._handles: list = []
        self._checking = False
        self._skips = 0
        self._good_batches = 0
        self._statistics: list[tuple[Tensor, Tensor]] = []

    def before_train(self, runner) -> None:
        """Watch the model's losses and the optimiser's steps."""
        self._runner = runner
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        self._handles = [
            model.register_forward_pre_hook(self._remember_statistics),
            model.register_forward_hook(self._check, with_kwargs=True)]
        if self.action == 'skip':
            self._handles.append(
                runner.optim_wrapper.optimizer.register_step_pre_hook(
                    self._before_step))

    def after_train(self, runner) -> None:
        """Stop watching."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self._runner = None

    def _remember_statistics(self, module: nn.Module, args: tuple) -> None:
        """A bad batch spoils BatchNorm's statistics before its loss."""
        if module.training and not self._checking:
            self._statistics = [
                (buffer, buffer.clone()) for part in module.modules()
                if isinstance(part, _BatchNorm) and part.training
                for buffer in part.buffers(recurse=False)]

    def _restore_statistics(self) -> None:
        for buffer, old in self._statistics:
            buffer.copy_(old)

    def _check(self, module: nn.Module, args: tuple, kwargs: dict, output):
        """Forward hook of the model; looks at training losses only."""
        if kwargs.get('mode') != 'loss' or self._checking or (
                not module.training or not isinstance(output, dict)):
            return None
        bad = [name for name, value in output.items() if not _finite(value)]
        reports = [(bad, _clip_ids(kwargs) if bad else [])]
        if is_distributed():
            reports = all_gather_object(reports[0])
        bad = sorted({name for names, _ in reports for name in names})
        if not bad:
            self._skips = 0
            self._good_batches += 1
            return None
        clips = [clip for _, ids in reports for clip in ids]
        self._restore_statistics()
        if not is_distributed():
            clips = self._narrow(module, kwargs) or clips
        runner = self._runner
        message = (f'loss is not finite ({", ".join(bad)}) in epoch '
                   f'{runner.epoch + 1}, iteration {runner.iter + 1}; clips: '
                   f'{", ".join(map(str, clips)) or "unknown"}')
        self._skips += 1
        if self.action == 'skip' and self._skips <= self.max_skips:
            runner.logger.warning(f'{message}; batch skipped')
            return _zero_losses(module, output)
        runner.save_checkpoint(
            runner.work_dir, self.FILENAME,
            meta=dict(epoch=runner.epoch, iter=runner.iter))
        raise NonFiniteLossError(
            f'{message}; the weights before this step are in '
            f'{runner.work_dir}/{self.FILENAME}')

    @torch.no_grad()
    def _narrow(self, module: nn.Module, kwargs: dict) -> list:
        """Run the clips of the batch one by one to find the bad ones.

        In eval mode, since BatchNorm may refuse or mix up single clips.
        """
        ids = _clip_ids(kwargs)
        if len(ids) < 2:
            return ids
        found = []
        training = [part for part in module.modules() if part.training]
        module.eval()
        self._checking = True
        try:
            for index, clip in enumerate(ids):
                one = slice(index, index + 1)
                losses = module(
                    inputs={key: value[one]
                            for key, value in kwargs['inputs'].items()},
                    data_samples=kwargs['data_samples'][one], mode='loss')
                if not all(map(_finite, losses.values())):
                    found.append(clip)
        finally:
            self._checking = False
            for part in training:
                part.training = True
        return found

    def _before_step(self, optimizer, args: tuple, kwargs: dict) -> None:
        """Without one good batch since the last step, change no weight."""
        if self._good_batches == 0:
            for group in optimizer.param_groups:
                for parameter in group['params']:
                    parameter.grad = None
        self._good_batches = 0


def _finite(value) -> bool:
    if isinstance(value, Tensor):
        return bool(torch.isfinite(value).all())
    if isinstance(value, (list, tuple)):
        return all(map(_finite, value))
    return math.isfinite(value)


def _clip_ids(kwargs: dict) -> list:
    return [sample.get('clip_id', '?')
            for sample in kwargs.get('data_samples') or []]


def _zero_losses(module: nn.Module, losses: dict) -> dict:
    """Zeros that keep every parameter in the graph, as DDP needs."""
    zero = sum((p * 0).sum() for p in module.parameters() if p.requires_grad)
    first = next(iter(losses))
    return {name: zero if name == first else torch.zeros_like(
        torch.as_tensor(zero)) for name in losses}
