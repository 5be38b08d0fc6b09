# Copyright (c) OpenMMLab. All rights reserved.
"""VGGish: CNN Architectures for Large-Scale Audio Classification.

https://arxiv.org/abs/1609.09430
"""

import torch
from torch import Tensor, nn

from mmavs.registry import MODELS

from .base import AudioEncoder

# Output channels of each convolution; 'M' is a 2x2 max-pooling.
_LAYERS = (64, 'M', 128, 'M', 256, 256, 'M', 512, 512, 'M')
_CLIP = 2.


@MODELS.register_module()
class VGGish(AudioEncoder):
    """VGGish, the audio encoder of AVSBench's baselines and of SelM.

    The log-mel patches must have been made with the log offset 0.01. Names
    are those of the public file ``vggish-10086976.pth``.

    Args:
        postprocess (bool): Apply the PCA and the rounding to 0..255 of the
            AudioSet release; off in every AVS method. Its two tensors are
            part of the checkpoint then (tools/model_converters/
            vggish_to_mmavs.py adds them). Defaults to False.
        frozen (bool): Defaults to True.
        allow_random (bool): See :class:`AudioEncoder`. Defaults to False.
        chunk_size (int, optional): See :class:`AudioEncoder`. Defaults to
            None.
        init_cfg (dict | list[dict], optional): Where the weights are.
            Defaults to None.
    """

    out_channels = 128

    def __init__(self, *, postprocess: bool = False, frozen: bool = True,
                 allow_random: bool = False, chunk_size: int | None = None,
                 init_cfg: dict | list | None = None) -> None:
        super().__init__(frozen=frozen, allow_random=allow_random,
                         chunk_size=chunk_size, init_cfg=init_cfg)
        layers, width = [], 1
        for item in _LAYERS:
            if item == 'M':
                layers.append(nn.MaxPool2d(2))
                continue
            layers += [nn.Conv2d(width, item, 3, padding=1), nn.ReLU()]
            width = item
        self.features = nn.Sequential(*layers)
        self.embeddings = nn.Sequential(
            nn.Linear(6 * 4 * 512, 4096), nn.ReLU(),
            nn.Linear(4096, 4096), nn.ReLU(),
            nn.Linear(4096, self.out_channels), nn.ReLU())
        self.pproc = _PCA(self.out_channels) if postprocess else None
        self.freeze()

    def encode(self, log_mel: Tensor) -> Tensor:
        """Patches (M, 1, 96, 64) to embeddings (M, 128), none below 0."""
        x = self.features(log_mel)  # (M, 512, 6, 4)
        x = x.permute(0, 2, 3, 1).flatten(1)  # channels last, as in TF
        x = self.embeddings(x)
        return x if self.pproc is None else self.pproc(x)

    def leftovers(self) -> list[str]:
        """The PCA, if it is not used."""
        return [] if self.pproc is not None else [r'^pproc\.']


class _PCA(nn.Module):
    """PCA and rounding to 8 bits, as in the AudioSet release."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer('pca_eigen_vectors', torch.eye(channels))
        self.register_buffer('pca_means', torch.zeros(channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = (x - self.pca_means.T) @ self.pca_eigen_vectors.T  # (M, 128)
        x = x.clamp(-_CLIP, _CLIP)
        return ((x + _CLIP) * (255. / (2 * _CLIP))).round()
