# Copyright (c) OpenMMLab. All rights reserved.
"""YAMNet: a MobileNetV1 trained on the 521 classes of AudioSet."""

import torch.nn.functional as F
from torch import Tensor, nn

from mmavs.registry import MODELS

from .base import AudioEncoder

_STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
_WIDTHS = (64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
NUM_AUDIOSET_CLASSES = 521
LOG_OFFSET = 0.001


@MODELS.register_module()
class YAMNet(AudioEncoder):
    """YAMNet with its BatchNorm folded into the convolutions.

    Convolutions are named ``c.0`` .. ``c.26``, the classifier ``fc``.

    Args:
        log_offset (float): With which the log-mel patches were made. YAMNet
            reads log(mel + 0.001); others are converted, so that data made
            for VGGish (0.01) can be used. Defaults to 0.001.
        frozen (bool): Defaults to True.
        allow_random (bool): See :class:`AudioEncoder`. Defaults to False.
        chunk_size (int, optional): See :class:`AudioEncoder`. Defaults to
            None.
        with_classifier (bool): Make the AudioSet classifier for
            :meth:`classify`; it takes no part in the embedding. Defaults to
            False.
        init_cfg (dict | list[dict], optional): Where the weights are.
            Defaults to None.
    """

    out_channels = 1024

    def __init__(self, *, log_offset: float = LOG_OFFSET,
                 frozen: bool = True, allow_random: bool = False,
                 chunk_size: int | None = None,
                 with_classifier: bool = False,
                 init_cfg: dict | list | None = None) -> None:
        super().__init__(frozen=frozen, allow_random=allow_random,
                         chunk_size=chunk_size, init_cfg=init_cfg)
        if log_offset <= 0:
            raise ValueError(f'YAMNet: log_offset must be positive, got '
                             f'{log_offset}')
        self.log_offset = log_offset
        self.c = nn.ModuleList([nn.Conv2d(1, 32, 3, stride=2)])
        width = 32
        for stride, wider in zip(_STRIDES, _WIDTHS, strict=True):
            self.c.append(nn.Conv2d(width, width, 3, stride, groups=width))
            self.c.append(nn.Conv2d(width, wider, 1))
            width = wider
        self.fc = (nn.Linear(width, NUM_AUDIOSET_CLASSES)
                   if with_classifier else None)
        self.freeze()

    def encode(self, log_mel: Tensor) -> Tensor:
        """Patches (M, 1, 96, 64) to embeddings (M, 1024)."""
        x = log_mel
        if self.log_offset != LOG_OFFSET:
            mel = (x.exp() - self.log_offset).clamp(min=0)
            x = (mel + LOG_OFFSET).log()
        for conv in self.c:
            x = conv(_same_padding(x, conv)).relu()
        return x.mean(dim=(2, 3))

    def classify(self, log_mel: Tensor) -> Tensor:
        """Logits (M, 521) of the AudioSet classes.

        Raises:
            ValueError: If it was built without its classifier.
        """
        if self.fc is None:
            raise ValueError('build YAMNet with with_classifier=True')
        return self.fc(self(log_mel))

    def leftovers(self) -> list[str]:
        """The classifier, if it was not made."""
        return [] if self.fc is not None else [r'^fc\.']


def _same_padding(x: Tensor, conv: nn.Conv2d) -> Tensor:
    """Pad as TensorFlow's 'same': what is odd goes right and below."""
    padding = []
    for size, kernel, stride in zip(
            reversed(x.shape[2:]), reversed(conv.kernel_size),
            reversed(conv.stride), strict=True):
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        padding += [total // 2, total - total // 2]
    return F.pad(x, padding) if any(padding) else x
