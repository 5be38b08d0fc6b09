# Copyright (c) OpenMMLab. All rights reserved.
"""What every visual backbone has in common: it runs stage by stage."""

from abc import abstractmethod
from collections.abc import Callable
from contextlib import contextmanager, nullcontext
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from mmavs.models.pretrained import PretrainedModule

NUM_STAGES = 4
STRIDES = (4, 8, 16, 32)


class StagedBackbone(PretrainedModule):
    """Base class of backbones between whose stages something can happen.

    ``stem`` turns frames (M, 3, H, W) into whatever the first stage reads.
    ``stages`` are four callables; each returns a map (M, C_i, H_i, W_i) at
    stride 4, 8, 16 or 32 and takes the map of the one before, changed or
    not. ``out_channels`` are the four C_i. A subclass implements
    :meth:`parts` and :meth:`run`, and calls :meth:`set_frozen_stages` at the
    end of its constructor.

    Args:
        frozen_stages (int): Parts that do not train and stay in eval mode:
            -1 none, 0 the stem, i the stem and the first i stages. Defaults
            to -1.
        norm_eval (bool): Keep BatchNorm in eval mode. Defaults to False.
        with_cp (bool): Save memory in training by running each stage, or
            each of its blocks, again in the backward pass. Defaults to
            False.
        init_cfg (dict | list[dict], optional): Initialisation. Defaults to
            None.
    """

    out_channels: tuple[int, ...]

    def __init__(self, *, frozen_stages: int = -1, norm_eval: bool = False,
                 with_cp: bool = False,
                 init_cfg: dict | list | None = None) -> None:
        super().__init__(init_cfg=init_cfg)
        if not -1 <= frozen_stages <= NUM_STAGES:
            raise ValueError(f'frozen_stages must be -1 (none), 0 (stem) or '
                             f'up to {NUM_STAGES}, got {frozen_stages}')
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval
        self.with_cp = with_cp

    @abstractmethod
    def parts(self, index: int) -> list[nn.Module]:
        """The modules of the stem (index 0) or of stage ``index``."""

    @abstractmethod
    def run(self, index: int, x):
        """Run the stem (index 0) or stage ``index``."""

    def stem(self, x: Tensor):
        """Frames (M, 3, H, W) to what ``stages[0]`` reads."""
        return self._run(0, x)

    @property
    def stages(self) -> tuple[Callable[[Tensor], Tensor], ...]:
        """The four stages, in order."""
        return tuple(partial(self._run, index + 1)
                     for index in range(NUM_STAGES))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Frames (M, 3, H, W) to four maps (M, C_i, H_i, W_i)."""
        x = self.stem(x)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps

    def wants_checkpoint(self, index: int) -> bool:
        """Whether the stem (0) or a stage is to be run again backwards."""
        return (self.with_cp and self.training
                and index > self.frozen_stages and torch.is_grad_enabled())

    def _run(self, index: int, x):
        if not self.wants_checkpoint(index):
            return self.run(index, x)
        parts = self.parts(index)
        return checkpoint(
            partial(self.run, index), x, use_reentrant=False,
            context_fn=lambda: (nullcontext(), _keep_statistics(parts)))

    def set_frozen_stages(self, frozen_stages: int) -> None:
        """Freeze the first parts and unfreeze the others.

        DistributedDataParallel fixes what it synchronises when it wraps the
        model, so wrap it anew afterwards.

        Args:
            frozen_stages (int): As in the constructor.
        """
        self.frozen_stages = frozen_stages
        for index in range(NUM_STAGES + 1):
            for part in self.parts(index):
                part.requires_grad_(index > frozen_stages)
        self.train(self.training)

    def train(self, mode: bool = True) -> 'StagedBackbone':
        """Training mode, save for what is frozen or kept in eval mode."""
        super().train(mode)
        for index in range(self.frozen_stages + 1):
            for part in self.parts(index):
                part.eval()
        if self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self

    def without_weights(self) -> str:
        """Which switch starts from random weights instead."""
        return ('to start from random weights, add --cfg-options '
                'model.backbone.init_cfg=None')


@contextmanager
def _keep_statistics(modules: list[nn.Module]):
    """Recompute a stage without counting its batch in BatchNorm twice."""
    norms = [norm for module in modules for norm in module.modules()
             if isinstance(norm, _BatchNorm) and norm.training
             and norm.track_running_stats]
    momenta = [norm.momentum for norm in norms]
    counts = [norm.num_batches_tracked.clone() for norm in norms]
    for norm in norms:
        norm.momentum = 0.
    try:
        yield
    finally:
        for norm, momentum, count in zip(norms, momenta, counts,
                                         strict=True):
            norm.momentum = momentum
            norm.num_batches_tracked.copy_(count)
