# Copyright (c) OpenMMLab. All rights reserved.
"""Cross-Level Embedding Vector Enhanced Refinement: SelM's decoder."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mmavs.models.losses import HeatmapDiceLoss
from mmavs.registry import MODELS
from mmavs.structures import AVFeatures

from .base_head import BaseAVSHead, build_losses, resize
from .clever_layers import CLEVERLayer, MaskHead
from .clever_single import AudioCLEVERLayer, VisualCLEVERLayer

DEFAULT_AUX = dict(heatmap=dict(type=HeatmapDiceLoss))
LAYERS = {
    ('audio', 'visual'): CLEVERLayer,
    ('audio', 'audio'): AudioCLEVERLayer,
    ('visual', 'visual'): VisualCLEVERLayer,
}


@MODELS.register_module()
class CLEVERHead(BaseAVSHead):
    """CLEVER, the decoder of SelM.

    Two tokens, background and target, travel from the deepest to the finest
    map. In each layer the target token listens to the sound and every pixel
    chooses one of the tokens; at the end the target token becomes the kernel
    that paints the mask.

    In eval mode nothing is random, unlike the released code, whose Gumbel
    noise stays on in testing; ``gumbel_at_test=True`` gives that back.
    Inputs of any size whose sides are multiples of 32 work: the tables of
    positions are interpolated.

    Args:
        in_channels (Sequence[int]): Channels of the four maps, finest
            (stride 4) first.
        audio_channels (int): Channels of the audio tokens. Defaults to 256.
        channels (int, optional): Channels C of tokens and fused maps.
            Defaults to None, which takes the deepest map's.
        num_classes (int): As in :class:`BaseAVSHead`. Defaults to 1.
        pe_sizes (Sequence[int]): Side of the table of positions in each
            layer, i.e. of the maps at strides 16, 8 and 4 in the size the
            model is trained at. Defaults to (14, 28, 56), for 224.
        upsample_steps (int): Doublings in the mask head: 2, or 1 in
            ``selm_r50_ms3`` and ``selm_pvt_s4``. Defaults to 2.
        logit_stride (int): Logits have the input's size divided by this:
            1, or 2 where SelM reads 448 and labels have 224. Defaults to 1.
        attentions (Sequence[str]): What the two attentions of a layer
            read: ``('audio', 'visual')`` as in SelM, or, for its ablation,
            ``('audio', 'audio')`` or ``('visual', 'visual')``. Defaults to
            SelM's.
        audio_dropout (float): Dropout of the audio attentions. Defaults
            to 0.1.
        group_dropout (Sequence[float]): Dropout of each layer's grouping.
            Defaults to (0.1, 0.1, 0.0).
        gumbel (bool): Whether Gumbel noise disturbs the grouping in
            training. Defaults to True.
        gumbel_at_test (bool): Whether it does in eval mode too. Defaults
            to False.
        with_cp (bool): Gradient checkpointing: the layers and the mask head
            run again in the backward pass, the latter frame by frame, so
            that its largest maps exist for one frame only. Results stay the
            same. Defaults to False.
        loss_decode (dict, optional): As in :class:`BaseAVSHead`. Defaults
            to None.
        loss_aux (dict, optional): Named losses on the heat maps, each
            (list of heat maps, target) -> (M,). Defaults to
            :class:`HeatmapDiceLoss`, named ``heatmap``, where a visual
            attention makes such maps; an empty dict leaves them out.
        init_cfg (dict, optional): Initialisation config. Defaults to None.

    Raises:
        ValueError: If there are not as many ``pe_sizes`` and
            ``group_dropout`` as layers, the attentions are none of the
            three pairs, or ``loss_aux`` asks for heat maps that nothing
            makes.
    """

    def __init__(self, in_channels: Sequence[int], audio_channels: int = 256,
                 *, channels: int | None = None, num_classes: int = 1,
                 pe_sizes: Sequence[int] = (14, 28, 56),
                 upsample_steps: int = 2, logit_stride: int = 1,
                 attentions: Sequence[str] = ('audio', 'visual'),
                 audio_dropout: float = 0.1,
                 group_dropout: Sequence[float] = (0.1, 0.1, 0.0),
                 gumbel: bool = True, gumbel_at_test: bool = False,
                 with_cp: bool = False,
                 loss_decode: dict | None = None,
                 loss_aux: dict | None = None,
                 init_cfg: dict | None = None) -> None:
        super().__init__(num_classes=num_classes, loss_decode=loss_decode,
                         init_cfg=init_cfg)
        channels = channels or in_channels[-1]
        num_layers = len(in_channels) - 1
        if not len(pe_sizes) == len(group_dropout) == num_layers:
            raise ValueError(
                f'{len(in_channels)} maps need {num_layers} pe_sizes and '
                f'group_dropout, got {pe_sizes} and {group_dropout}')
        attentions = tuple(attentions)
        if attentions not in LAYERS:
            raise ValueError('attentions must be one of '
                             f'{", ".join(map(str, LAYERS))}, got '
                             f'{attentions}')
        self.logit_stride = logit_stride
        self.with_cp = with_cp
        self.tokens = nn.Embedding(2, channels)
        nn.init.trunc_normal_(self.tokens.weight, std=0.02)
        self.layers = nn.ModuleList(
            LAYERS[attentions](
                in_channels[-1] if index == 0 else channels, skip_channels,
                audio_channels, channels, pe_size=pe_sizes[index],
                audio_dropout=audio_dropout,
                group_dropout=group_dropout[index], gumbel=gumbel,
                gumbel_at_test=gumbel_at_test)
            for index, skip_channels in enumerate(in_channels[-2::-1]))
        self.mask_head = MaskHead(
            channels, num_classes, upsample_steps=upsample_steps,
            with_cp=with_cp)
        if loss_aux is None:
            loss_aux = DEFAULT_AUX if 'visual' in attentions else {}
        self.loss_aux = build_losses(loss_aux)
        if self.loss_aux and 'visual' not in attentions:
            raise ValueError(
                f'attentions={attentions} makes no heat maps, so loss_aux '
                f'must leave out {", ".join(self.loss_aux)}: set '
                f'loss_aux=dict({next(iter(self.loss_aux))}=None)')

    def forward(self, features: AVFeatures) -> dict:
        """Decode.

        Args:
            features (AVFeatures): Four maps (B*T, C_i, H_i, W_i) and audio
                (B, T, N, D).

        Returns:
            dict: ``logits`` (B*T, K, h, w), and ``heatmaps``, one
            (B*T, 2, H_l, W_l) per layer, the target last; none without
            visual attention.
        """
        audio = features.audio.flatten(0, 1)  # (M, N, D)
        tokens = self.tokens.weight.expand(len(audio), -1, -1)  # (M, 2, C)
        *finer, v = (_channels_last(x) for x in features.maps)
        heatmaps = []
        for layer, skip in zip(self.layers, reversed(finer), strict=True):
            tokens, v, heat = self._run(layer, tokens, v, skip, audio)
            if heat is not None:
                heatmaps.append(heat)
        logits = self.mask_head(v, tokens[:, -1])
        logits = resize(logits, self._logit_size(features.maps[0]))
        return dict(logits=logits * features.frame_mask(logits),
                    heatmaps=heatmaps)

    def _run(self, layer: nn.Module, *inputs: Tensor) -> tuple:
        if self.with_cp and self.training and torch.is_grad_enabled():
            return checkpoint(layer, *inputs, use_reentrant=False)
        return layer(*inputs)

    def _logit_size(self, finest: Tensor) -> tuple[int, int]:
        """The input's size (the finest map has stride 4) over the stride."""
        height, width = finest.shape[-2:]
        return 4 * height // self.logit_stride, 4 * width // self.logit_stride

    def extra_losses(self, outputs: dict, target: Tensor
                     ) -> dict[str, Tensor]:
        """Losses on the heat maps."""
        return {f'loss_{name}': loss(outputs['heatmaps'], target)
                for name, loss in self.loss_aux.items()}


def _channels_last(x: Tensor) -> Tensor:
    """On the CPU convolutions and resizing are faster in this layout."""
    if x.device.type != 'cpu':
        return x
    return x.contiguous(memory_format=torch.channels_last)
