# Copyright (c) OpenMMLab. All rights reserved.
"""The released SelM checkpoints: what they are and how their names map."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from ..checkpoint import CheckpointError
from ..weights import shorten
from .avs_resnet import avs_resnet_name
from .pvt_v2 import pvt_v2_name

_RESNET, _PVT = 'resnet.', 'encoder_backbone.'
# Deepest table of positions: 14 x 14 (trained at 224) or 28 x 28 (448).
_PE = 'decoder.layers.0.positional_embedding'
_KERNEL = 'decoder.proj.audio_linear.weight'
_SECOND_STEP = 'decoder.proj.vis.3.0.weight'
_NUM_CLASSES = 71

# What the released code stores but never runs, and why.
DROPPED = {
    r'resnet\.layer[34]_2\.': 'second branch of ResNet stages 3 and 4',
    r'resnet\.fc\.': 'ImageNet classifier',
    r'encoder_backbone\.head\.': 'ImageNet classifier',
    r'decoder\.layers\.\d\.loadtoken\.(norm|mlp)\.':
        "unused LayerNorm and MLP of CLEVER's audio attention",
}

_DAM = r'(?:encoder_backbone\.)?DAM_Fusion(\d)\.'
_BLOCK = r'early_fusion.blocks.<1-1>.'
_ATT = _DAM + r'fusion\.audio_visual_att\.'
_CLEVER = r'decoder\.layers\.(\d)\.'
_GROUP = r'decoder\.cgattention(\d)\.'
_SEQ = r'(?:BCSM|tem_att)\.'

# (released, ours): <n> is group n, <n-1> group n counted from 0.
RULES = (
    # DAM: A2V
    (_DAM + r'fusion\.vis_project\.0\.', _BLOCK + 'a2v.visual_in.'),
    (_DAM + r'fusion\.out_conv\.0\.', _BLOCK + 'a2v.out.'),
    (_DAM + r'gate\.', _BLOCK + 'a2v.gate.'),
    (_ATT + r'vis_weight$', _BLOCK + 'a2v.scale'),
    (_ATT + r'audio_value_conv\.0\.', _BLOCK + 'a2v.value.'),
    (_ATT + r'vis_out\.0\.', _BLOCK + 'a2v.value_out.'),
    (_ATT + r'align_vis\.(key|query)_conv(2?)\.0\.',
     _BLOCK + 'a2v.<2><3>.'),
    # DAM: V2A
    (_DAM + r'audio_out_conv\.0\.', _BLOCK + 'v2a.out.'),
    (_ATT + r'audio_weight$', _BLOCK + 'v2a.scale'),
    (_ATT + r'vis_value_conv\.0\.', _BLOCK + 'v2a.value.'),
    (_ATT + r'audio_out\.0\.', _BLOCK + 'v2a.value_out.'),
    (_ATT + r'align_audio\.f_(key|query)(2?)\.0\.',
     _BLOCK + 'v2a.<2><3>.'),
    # projectors
    (r'in_proj(\d)\.', 'projector.layers.<1-1>.'),
    (r'audio_proj\.', 'audio_projector.linear.'),
    (r'audio_norm\.', 'audio_projector.norm.'),
    # BCSM
    (_SEQ + r'vis_linear\.(\d)\.', 'neck.visual_gates.<1>.embed.'),
    (_SEQ + r'video_gated\.(\d)\.', 'neck.visual_gates.<1>.gate.'),
    (_SEQ + r'audio_gated\.(\d)\.', 'neck.audio_gates.<1>.gate.'),
    (_SEQ + r'video_encoder\.(\d)\.layers\.(\d)\.layernorm\.',
     'neck.visual_gates.<1>.encoder.<2>.norm.'),
    (_SEQ + r'video_encoder\.(\d)\.layers\.(\d)\.mamba_block\.',
     'neck.visual_gates.<1>.encoder.<2>.mamba.'),
    (_SEQ + r'audio_encoder\.(\d)\.layers\.(\d)\.layernorm\.',
     'neck.audio_gates.<1>.encoder.<2>.norm.'),
    (_SEQ + r'audio_encoder\.(\d)\.layers\.(\d)\.mamba_block\.',
     'neck.audio_gates.<1>.encoder.<2>.mamba.'),
    # CLEVER
    (r'decoder\.tokens\.', 'decode_head.tokens.'),
    (r'decoder\.fuses\.(\d)\.fusion\.',
     'decode_head.layers.<1>.fuse.layers.'),
    (_CLEVER + r'positional_embedding$', 'decode_head.layers.<1>.pos_embed'),
    (_CLEVER + r'loadtoken\.cross_attn\.',
     'decode_head.layers.<1>.audio_attn.'),
    (_CLEVER + r'loadtoken\.norm([qk])\.',
     'decode_head.layers.<1>.audio_attn.norm_<2>.'),
    (_CLEVER + r'(norm|mlp)\.', 'decode_head.layers.<1>.<2>.'),
    (_GROUP + r'norm_v\.', 'decode_head.layers.<1-1>.grouping.norm_vis.'),
    (_GROUP + r'norm_t\.', 'decode_head.layers.<1-1>.grouping.norm_tokens.'),
    (_GROUP + r'norm\.', 'decode_head.layers.<1-1>.grouping.norm_out.'),
    (_GROUP, 'decode_head.layers.<1-1>.grouping.'),
    (r'decoder\.proj\.vis\.1\.([01])\.',
     'decode_head.mask_head.upsample.0.<1>.'),
    (r'decoder\.proj\.vis\.3\.([01])\.',
     'decode_head.mask_head.upsample.1.<1>.'),
    (r'decoder\.proj\.vis\.[24]\.(weight|bias)$',
     'decode_head.mask_head.out.<1>'),
    (r'decoder\.proj\.audio_linear\.', 'decode_head.mask_head.kernel.'),
)


@dataclass
class Conversion:
    """A renamed state dict and what became of the rest.

    Attributes:
        weights (dict[str, Tensor]): In our names; the backbone's are
            ``backbone.model.`` plus timm's.
        names (dict[str, str]): Released name to ours.
        dropped (dict[str, list[str]]): Reason to the released names that
            never run.
        unknown (list[str]): Names that no rule knows, or that two map to.
    """

    weights: dict[str, Tensor] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    dropped: dict[str, list[str]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)


def recognise_selm(weights: Mapping[str, Tensor]) -> str:
    """Tell which released model a state dict is.

    Args:
        weights (Mapping[str, Tensor]): In the released names; only names
            and shapes are looked at.

    Returns:
        str: ``selm_{r50,pvt}_{s4,ms3,avss}``.

    Raises:
        CheckpointError: If it is none of them.
    """
    backbones = {'r50': _RESNET, 'pvt': _PVT}
    found = [short for short, prefix in backbones.items()
             if any(name.startswith(prefix) for name in weights)]
    needed = [name for name in (_PE, _KERNEL)
              if name not in weights or weights[name].dim() != 2]
    if len(found) != 1 or needed:
        raise CheckpointError(
            'this is not a released SelM checkpoint: expected names that '
            f'start with {_RESNET!r} or {_PVT!r}, and {_PE} and {_KERNEL}; '
            f'found {shorten(sorted(weights))}')
    backbone = found[0]
    if weights[_KERNEL].shape[0] == _NUM_CLASSES * weights[_KERNEL].shape[1]:
        return f'selm_{backbone}_avss'
    side = round(weights[_PE].shape[0]**0.5)
    if backbone == 'r50':
        setting = 's4' if side == 14 else 'ms3'
    else:
        setting = 'ms3' if _SECOND_STEP in weights else 's4'
    return f'selm_{backbone}_{setting}'


def convert_selm(weights: Mapping[str, Tensor]) -> Conversion:
    """Rename a released state dict; values stay as they are.

    Args:
        weights (Mapping[str, Tensor]): In the released names.

    Returns:
        Conversion: The result; the caller decides about unknown names.
    """
    result = Conversion()
    for name, value in weights.items():
        reason = next((why for pattern, why in DROPPED.items()
                       if re.match(pattern, name)), None)
        new_name = None if reason else rename_selm(name)
        if reason:
            result.dropped.setdefault(reason, []).append(name)
        elif new_name is None or new_name in result.weights:
            result.unknown.append(name)
        else:
            result.names[name] = new_name
            result.weights[new_name] = value
    return result


def rename_selm(name: str) -> str | None:
    """Our name of a released parameter, or None if no rule knows it."""
    for pattern, ours in RULES:
        new_name, count = re.subn('^' + pattern, _fill(ours), name)
        if count:
            return new_name
    for prefix, rename in ((_RESNET, avs_resnet_name), (_PVT, pvt_v2_name)):
        if name.startswith(prefix):
            return 'backbone.model.' + rename(name[len(prefix):])
    return None


def _fill(template: str):
    """Turn a template with <n> and <n-1> into a replacement function."""
    def replace(match: re.Match) -> str:
        def group(slot: re.Match) -> str:
            text = match.group(int(slot[1]))
            return str(int(text) - 1) if slot[2] else text
        return re.sub(r'<(\d)(-1)?>', group, template)
    return replace


def never_run(model) -> list[tuple[str, int, str]]:
    """What the released checkpoint of a SelM model stores in addition.

    Args:
        model (AVSegmentor): A SelM model, or any other, which has none.

    Returns:
        list[tuple[str, int, str]]: Slot, number of parameters that never
        run, and what they are.
    """
    from mmavs.models.decode_heads import CLEVERHead
    if not isinstance(model.decode_head, CLEVERHead):
        return []
    reasons = list(DROPPED.values())
    extras = []
    if getattr(model.backbone, 'model_name', None) == 'resnet50':
        branch = sum(parameter.numel() for name, parameter
                     in model.backbone.named_parameters()
                     if re.search(r'\blayer[34]\.', name))
        extras.append(('backbone', branch, reasons[0]))
    unused = sum(parameter.numel() for layer in model.decode_head.layers
                 for part in (layer.norm, layer.mlp)
                 for parameter in part.parameters())
    return [*extras, ('decode_head', unused, reasons[-1])]
