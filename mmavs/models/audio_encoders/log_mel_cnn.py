# Copyright (c) OpenMMLab. All rights reserved.
"""A small audio encoder for training from scratch."""

from torch import Tensor, nn

from mmavs.registry import MODELS

from .base import AudioEncoder

# log(0.01) is silence; sounds reach a few units above 0.
_OFFSET, _SCALE = 2., 2.


@MODELS.register_module()
class LogMelCNN(AudioEncoder):
    """Four strided convolutions on a log-mel patch.

    GroupNorm instead of BatchNorm, so that a patch's embedding depends on no
    other patch. The mean over time keeps what sounds, not when; the bands
    are kept apart, since pitch and timbre are what tells sounds apart.

    Args:
        out_channels (int): Width of the embedding. Defaults to 128.
        width (int): Channels of the first layer; they double twice. Must be
            a multiple of 8. Defaults to 32.
        frozen (bool): Defaults to False.
        allow_random (bool): See :class:`AudioEncoder`. Defaults to False.
        chunk_size (int, optional): See :class:`AudioEncoder`. Defaults to
            None.
        init_cfg (dict | list[dict], optional): Initialisation. Defaults to
            None.
    """

    def __init__(self, *, out_channels: int = 128, width: int = 32,
                 frozen: bool = False, allow_random: bool = False,
                 chunk_size: int | None = None,
                 init_cfg: dict | list | None = None) -> None:
        super().__init__(frozen=frozen, allow_random=allow_random,
                         chunk_size=chunk_size, init_cfg=init_cfg)
        if width < 8 or width % 8:
            raise ValueError('LogMelCNN: width must be a multiple of 8, got '
                             f'{width}')
        self.out_channels = out_channels
        widths = (1, width, 2 * width, 4 * width, 4 * width)
        self.layers = nn.Sequential(*(
            nn.Sequential(nn.Conv2d(low, high, 3, stride=2, padding=1),
                          nn.GroupNorm(8, high), nn.GELU())
            for low, high in zip(widths, widths[1:], strict=False)))
        self.out = nn.Sequential(
            nn.Linear(4 * widths[-1], out_channels), nn.GELU(),
            nn.Linear(out_channels, out_channels))
        self.freeze()

    def encode(self, log_mel: Tensor) -> Tensor:
        """Patches (M, 1, 96, 64) to embeddings (M, ``out_channels``)."""
        x = self.layers((log_mel + _OFFSET) / _SCALE)  # (M, 4 w, 6, 4)
        x = x.mean(dim=2).flatten(1)  # (M, 4 w * 4)
        return self.out(x)
