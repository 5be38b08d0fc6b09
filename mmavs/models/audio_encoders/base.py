# Copyright (c) OpenMMLab. All rights reserved.
"""What every audio encoder has in common, above all being frozen."""

from abc import abstractmethod
from contextlib import nullcontext

import torch
from torch import Tensor

from mmavs.io.weights import own_tensors
from mmavs.models.pretrained import PretrainedModule

PATCH_SHAPE = (1, 96, 64)


class AudioEncoder(PretrainedModule):
    """Base class: log-mel patches (M, 1, 96, 64) to (M, ``out_channels``).

    A *frozen* encoder stays in eval mode, runs without gradients and is not
    stored in checkpoints: its weights are a public file that ``init_cfg``
    names, and they are read from there when the model is initialised or when
    a checkpoint without them is loaded, whichever comes first. Loading such
    a checkpoint strictly is no error. A subclass implements :meth:`encode`,
    sets ``out_channels`` and treats every patch by itself.

    Args:
        frozen (bool): Defaults to True.
        allow_random (bool): Let a frozen encoder run with random weights,
            for tests and trial runs. Defaults to False.
        chunk_size (int, optional): Encode at most so many patches at once to
            save memory; the result is the same. Defaults to None, all.
        init_cfg (dict | list[dict], optional): Where the weights are,
            ``dict(type='Pretrained', checkpoint=...)``. Defaults to None.

    Raises:
        ValueError: If a frozen encoder has neither ``init_cfg`` nor
            ``allow_random=True``.
    """

    out_channels: int

    def __init__(self, *, frozen: bool = True, allow_random: bool = False,
                 chunk_size: int | None = None,
                 init_cfg: dict | list | None = None) -> None:
        super().__init__(init_cfg=init_cfg)
        name = type(self).__name__
        if chunk_size is not None and chunk_size < 1:
            raise ValueError(f'{name}: chunk_size must be positive or None, '
                             f'got {chunk_size}')
        if frozen and self.pretrained_cfg is None and not allow_random:
            raise ValueError(
                f'{name} is frozen but has no weights: give init_cfg=dict('
                "type='Pretrained', checkpoint=...), or, to try things out "
                'with random weights, add --cfg-options '
                'model.audio_encoder.allow_random=True')
        self.frozen = frozen
        self.allow_random = allow_random
        self.chunk_size = chunk_size
        self._ready = not frozen or self.pretrained_cfg is None
        self._register_state_dict_hook(_hide_frozen)

    @property
    def ready(self) -> bool:
        """Whether it may run: it is trained, or its weights were loaded."""
        return self._ready

    @abstractmethod
    def encode(self, log_mel: Tensor) -> Tensor:
        """Patches (M, 1, 96, 64) to embeddings (M, ``out_channels``)."""

    def forward(self, log_mel: Tensor) -> Tensor:
        """Encode log-mel patches.

        Args:
            log_mel (Tensor): (M, 1, 96, 64): channel, time, mel band.

        Returns:
            Tensor: (M, ``out_channels``).

        Raises:
            ValueError: If the patches have another shape.
            RuntimeError: If a frozen encoder's weights were never loaded.
        """
        name = type(self).__name__
        if tuple(log_mel.shape[1:]) != PATCH_SHAPE:
            raise ValueError(f'{name} wants log-mel patches of shape (M, 1, '
                             f'96, 64), got {tuple(log_mel.shape)}')
        if not self._ready:
            raise RuntimeError(
                f'{name} is frozen and its weights were never loaded: call '
                'model.init_weights() or load a checkpoint first')
        if len(log_mel) == 0:
            return log_mel.new_zeros(0, self.out_channels)
        with torch.no_grad() if self.frozen else nullcontext():
            if self.chunk_size is None:
                return self.encode(log_mel)
            return torch.cat([self.encode(chunk)
                              for chunk in log_mel.split(self.chunk_size)])

    def freeze(self) -> None:
        """Keep the weights out of training, if ``frozen``.

        Subclasses call it when their layers are made.
        """
        if self.frozen:
            self.requires_grad_(False)
            self.train(False)

    def train(self, mode: bool = True) -> 'AudioEncoder':
        """Training mode, unless frozen."""
        return super().train(mode and not self.frozen)

    def init_weights(self) -> None:
        """Load the weights, unless a checkpoint brought them already."""
        if self.frozen and self.pretrained_cfg and self._ready:
            self.is_init = True
            return
        super().init_weights()

    def load_pretrained(self) -> None:
        """Load the weights ``init_cfg`` names."""
        self._ready = True  # what is loaded here must not ask for more
        try:
            super().load_pretrained()
        except Exception:
            self._ready = not self.frozen
            raise

    def without_weights(self) -> str:
        """Which switch goes on with random weights."""
        switch = 'to go on with random weights, add --cfg-options ' \
                 'model.audio_encoder.init_cfg=None'
        if self.frozen:
            switch += ' model.audio_encoder.allow_random=True'
        return switch

    def _load_from_state_dict(self, state_dict, prefix, *args):
        """Fill in a frozen encoder's weights, which checkpoints leave out.

        MMEngine's loader and PyTorch's both come through here first, and
        hand what is in ``state_dict`` afterwards to the layers.
        """
        if self.frozen:
            own = own_tensors(self)
            absent = [name for name in own if prefix + name not in state_dict]
            if absent and not self._ready:
                self.load_pretrained()
            self._ready = True
            for name in absent:
                state_dict[prefix + name] = own[name].detach()
        super()._load_from_state_dict(state_dict, prefix, *args)


def _hide_frozen(module, state_dict, prefix, local_metadata):
    """Leave a frozen encoder out of what is saved."""
    if module.frozen:
        for name in own_tensors(module):
            state_dict.pop(prefix + name, None)
