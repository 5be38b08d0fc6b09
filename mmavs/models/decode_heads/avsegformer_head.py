# Copyright (c) OpenMMLab. All rights reserved.
"""AVSegFormer's decoder: queries made from the sound."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmavs.models.layers import cell_centres, group_norm, sine_positions
from mmavs.models.losses import ClipDiceLoss
from mmavs.registry import MODELS
from mmavs.structures import AVFeatures

from .avsegformer_layers import (
    CrossModalMixer,
    DecoderLayer,
    EncoderLayer,
    PixelMLP,
    QueryGenerator,
    Transformer,
    Upsample,
    flatten_maps,
    match_channels,
)
from .base_head import BaseAVSHead, build_losses

DEFAULT_AUX = dict(mix=dict(type=ClipDiceLoss, loss_weight=0.1))
LOGIT_STRIDES = (1, 2, 4)


@MODELS.register_module()
class AVSegFormerHead(BaseAVSHead):
    """The decoder of AVSegFormer, as released since August 2023.

    AVSegFormer: Audio-Visual Segmentation with Transformer (AAAI 2024),
    https://arxiv.org/abs/2307.01146. A deformable encoder reads the maps at
    strides 8 to 32; queries made from the sound read what it made of them;
    their products with a mask feature at stride 4, whose channels the sound
    weighs, become the mask. Each frame stands alone. Inputs of any size
    whose sides are multiples of 32 work. Needs no compiled operator.

    Args:
        in_channels (Sequence[int]): Channels of the maps, finest
            (stride 4) first.
        audio_channels (int): Channels of the audio tokens; a linear layer
            comes first where they are not ``channels``. Defaults to 256.
        channels (int, optional): Channels C inside the head, 256 in the
            paper. Defaults to None, which takes the deepest map's.
        num_classes (int): As in :class:`BaseAVSHead`. Defaults to 1.
        num_queries (int): Queries per frame. Defaults to 300.
        num_layers (int): Layers of the encoder, of the decoder and of the
            query generator. Defaults to 6.
        num_heads (int): Heads of every attention. Defaults to 8.
        num_points (int): Places that a head of the encoder looks at in each
            map. Defaults to 4.
        ffn_channels (int): Hidden channels of the MLPs in encoder and
            decoder, and of the one over the queries' scores; half of it in
            the query generator. Defaults to 2048.
        dropout (float): In encoder and decoder. Defaults to 0.1.
        logit_stride (int): Logits have the input's size divided by this,
            1, 2 or 4. Defaults to 1.
        loss_decode (dict, optional): As in :class:`BaseAVSHead`. Defaults
            to None.
        loss_aux (dict, optional): Named losses on the channel mean of the
            mask feature, read as a foreground logit, each (logits
            (M, 1, H, W), target) -> (M,). Defaults to 0.1 times
            :class:`ClipDiceLoss`, named ``mix`` (the paper's mixing loss);
            an empty dict leaves it out.
        init_cfg (dict, optional): Initialisation config. Defaults to None.

    Raises:
        ValueError: If the heads do not divide the channels, 4 does not, or
            ``logit_stride`` is none of the three.
    """

    def __init__(self, in_channels: Sequence[int], audio_channels: int = 256,
                 *, channels: int | None = None, num_classes: int = 1,
                 num_queries: int = 300, num_layers: int = 6,
                 num_heads: int = 8, num_points: int = 4,
                 ffn_channels: int = 2048, dropout: float = 0.1,
                 logit_stride: int = 1, loss_decode: dict | None = None,
                 loss_aux: dict | None = None,
                 init_cfg: dict | None = None) -> None:
        super().__init__(num_classes=num_classes, loss_decode=loss_decode,
                         init_cfg=init_cfg)
        channels = channels or in_channels[-1]
        if logit_stride not in LOGIT_STRIDES:
            raise ValueError(f'logit_stride must be one of {LOGIT_STRIDES}, '
                             f'got {logit_stride}')
        if channels % num_heads or channels % 4:
            raise ValueError(
                f'channels={channels} must be a multiple of 4 and of '
                f'num_heads={num_heads}; set channels or num_heads')
        self.in_proj = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, channels, 1), group_norm(channels))
            for width in in_channels)
        self.audio_in = match_channels(audio_channels, channels)
        num_levels = len(in_channels) - 1
        self.level_embed = nn.Parameter(torch.randn(num_levels, channels))
        shared = dict(num_heads=num_heads, ffn_channels=ffn_channels,
                      dropout=dropout)
        self.transformer = Transformer(
            encoder=[EncoderLayer(channels, num_levels=num_levels,
                                  num_points=num_points, **shared)
                     for _ in range(num_layers)],
            decoder=[DecoderLayer(channels, **shared)
                     for _ in range(num_layers)])
        self.query_generator = QueryGenerator(
            channels, num_queries=num_queries, depth=num_layers,
            num_heads=num_heads, ffn_channels=ffn_channels // 2)
        self.learnable_query = nn.Embedding(num_queries, channels)
        self.lateral_conv = nn.Sequential(
            nn.Conv2d(channels, channels, 1), group_norm(channels))
        self.out_conv = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            group_norm(channels), nn.ReLU())
        self.fusion_block = CrossModalMixer(channels, num_heads=num_heads)
        self.mlp = PixelMLP(
            [num_queries, ffn_channels, ffn_channels, channels])
        self.fc = nn.Sequential(
            nn.Conv2d(channels, channels // 2, 3, padding=1),
            Upsample(4 // logit_stride),
            nn.Conv2d(channels // 2, channels // 8, 3, padding=1), nn.ReLU(),
            nn.Conv2d(channels // 8, num_classes, 1, bias=False))
        self.loss_aux = build_losses(
            DEFAULT_AUX if loss_aux is None else loss_aux)

    def forward(self, features: AVFeatures) -> dict:
        """Decode.

        Args:
            features (AVFeatures): Maps (B*T, C_i, H_i, W_i) and audio
                (B, T, N, D).

        Returns:
            dict: ``logits`` (B*T, K, h, w); ``queries``, one (B*T, Q, C)
            per layer of the decoder; ``mask_feature`` (B*T, C, H_1, W_1),
            weighed by the sound.
        """
        audio = self.audio_in(features.audio.flatten(0, 1))  # (M, N, C)
        finest, *coarser = [layer(x) for layer, x in zip(
            self.in_proj, features.maps, strict=True)]
        memory, shapes = self.encode(coarser)  # (M, S, C)
        query = self.query_generator(audio) + self.learnable_query.weight
        queries = self.transformer.decode(query, memory)  # each (M, Q, C)
        feature = self.mask_feature(finest, memory, shapes[0])
        feature = self.fusion_block(feature, audio)  # (M, C, H, W)
        scores = torch.einsum('mqc,mchw->mqhw', queries[-1], feature)
        logits = self.fc(feature + self.mlp(scores))  # (M, K, h, w)
        return dict(logits=logits * features.frame_mask(logits),
                    queries=queries,
                    mask_feature=feature * features.frame_mask(feature))

    def encode(self, maps: Sequence[Tensor]
               ) -> tuple[Tensor, list[tuple[int, int]]]:
        """Run the deformable encoder.

        Args:
            maps (Sequence[Tensor]): (M, C, H_i, W_i), strides 8 to 32.

        Returns:
            tuple: Pixels of all maps (M, S, C), and the maps' sizes.
        """
        pixels, shapes = flatten_maps(maps)
        channels, device = pixels.shape[-1], pixels.device
        pos = torch.cat([
            sine_positions(size, channels, device=device) + level
            for size, level in zip(shapes, self.level_embed, strict=True)])
        reference = cell_centres(shapes, device=device)  # (S, 2)
        return self.transformer.encode(pixels, pos, reference, shapes), shapes

    def mask_feature(self, finest: Tensor, memory: Tensor,
                     size: tuple[int, int]) -> Tensor:
        """Join the stride-4 map with the encoder's stride-8 map.

        Args:
            finest (Tensor): (M, C, H, W).
            memory (Tensor): (M, S, C).
            size (tuple[int, int]): Height and width of the first level.

        Returns:
            Tensor: (M, C, H, W).
        """
        level = memory[:, :size[0] * size[1]].transpose(1, 2)
        level = F.interpolate(
            level.unflatten(2, size), size=finest.shape[-2:],
            mode='bilinear', align_corners=False)
        return self.out_conv(self.lateral_conv(finest) + level)

    def extra_losses(self, outputs: dict, target: Tensor
                     ) -> dict[str, Tensor]:
        """Losses on the channel mean of the mask feature."""
        if not self.loss_aux:
            return {}
        logits = outputs['mask_feature'].float().mean(dim=1, keepdim=True)
        logits = F.interpolate(logits, size=target.shape[-2:],
                               mode='bilinear', align_corners=False)
        return {f'loss_{name}': loss(logits, target)
                for name, loss in self.loss_aux.items()}
