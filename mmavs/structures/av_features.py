# Copyright (c) OpenMMLab. All rights reserved.
"""What travels between the slots of :class:`AVSegmentor`."""

from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor


@dataclass
class AVFeatures:
    """Visual maps and audio tokens of a batch of clips.

    Symbols: B clips, T seconds (frames) per clip, N audio tokens per second.

    Args:
        maps (list[Tensor]): Feature maps, finest first, each
            (B*T, C_i, H_i, W_i); row ``b * T + t`` is second t of clip b.
        audio (Tensor): Audio tokens (B, T, N, D).
        valid (Tensor): (B, T) bool, False for seconds that only pad a
            shorter clip.
        audio_embedding (Tensor, optional): Raw output of the audio encoder,
            (B, T, N, E). Defaults to None.
        extras (dict): Whatever a method hands on to later slots. Defaults
            to an empty dict.
    """

    maps: list[Tensor]
    audio: Tensor
    valid: Tensor
    audio_embedding: Tensor | None = None
    extras: dict[str, Any] = field(default_factory=dict)

    @property
    def batch_size(self) -> int:
        """Number of clips B."""
        return self.valid.shape[0]

    @property
    def num_frames(self) -> int:
        """Seconds T per clip, padding included."""
        return self.valid.shape[1]

    def frame_mask(self, like: Tensor) -> Tensor:
        """Return ``valid`` as a factor for a per-frame tensor.

        Args:
            like (Tensor): A tensor (B*T, ...).

        Returns:
            Tensor: 1 for real and 0 for padded frames, (B*T, 1, ...) with as
            many axes as ``like`` and its dtype.
        """
        shape = (-1,) + (1,) * (like.dim() - 1)
        return self.valid.reshape(shape).to(like.dtype)

    def replace(self, *, maps: list[Tensor] | None = None,
                audio: Tensor | None = None,
                extras: dict[str, Any] | None = None) -> 'AVFeatures':
        """Return a copy with some fields changed.

        ``extras`` are merged into the present ones, the rest is replaced.
        """
        return replace(
            self,
            maps=self.maps if maps is None else maps,
            audio=self.audio if audio is None else audio,
            extras={**self.extras, **(extras or {})})
