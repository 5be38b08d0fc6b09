# Copyright (c) OpenMMLab. All rights reserved.
"""Taking a timm model apart into a stem and four stages.

timm's ``features_only`` models are, for most families, a plain list of
modules that run one after the other, with taps after some of them
(``FeatureListNet``; EfficientNet and MobileNet keep a list of blocks
instead). Such a list can be cut at the taps and run piece by piece.
"""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from .staged import NUM_STAGES, STRIDES

# Families that otherwise accept a single input size.
_ANY_SIZE = ('swin_transformer', 'swin_transformer_v2',
             'swin_transformer_v2_cr')

# Families whose stages hand on lists of maps.
_SEVERAL_MAPS = ('selecsls',)


@dataclass(frozen=True)
class Replay:
    """A timm model as a list of modules, cut into five pieces.

    Attributes:
        modules (dict[str, nn.Module]): timm's own name to module, in the
            order in which they run; none after the last tap.
        pieces (tuple[tuple[str, ...], ...]): Names of the stem and of the
            four stages.
        out_channels (tuple[int, ...]): Channels of the four maps.
        nhwc (bool): Whether the maps have their channels last.
        concat (bool): Whether a tap that is a tuple is one map in parts.
        unused (frozenset[str]): timm's names of tensors that only the
            classifier needs.
        input_size (tuple[int, int] | None): The one (H, W) that the model
            accepts, None if it takes any.
        native_size (tuple[int, int]): The (H, W) its weights were made at.
    """

    modules: dict[str, nn.Module]
    pieces: tuple[tuple[str, ...], ...]
    out_channels: tuple[int, ...]
    nhwc: bool
    concat: bool
    unused: frozenset[str]
    input_size: tuple[int, int] | None
    native_size: tuple[int, int]


def family(model_name: str) -> str:
    """Name timm's module of a model, e.g. ``swin_transformer``."""
    import timm
    entry = timm.model_entrypoint(model_name.split('.')[0])
    return entry.__module__.split('.')[-1]


def check_name(model_name: str) -> None:
    """Refuse a name timm does not know, suggesting close ones.

    Raises:
        ValueError: If timm has no such model.
    """
    import timm
    if timm.is_model(model_name):
        return
    close = difflib.get_close_matches(
        model_name.split('.')[0], timm.list_models(), n=4)
    advice = (f'did you mean {" or ".join(close)}?' if close else
              'timm.list_models() lists the names')
    raise ValueError(
        f'timm {timm.__version__} has no model {model_name!r}; {advice}')


def model_arguments(model_name: str, timm_args: dict | None,
                    drop_path_rate: float | None) -> dict:
    """Constructor arguments of the timm model."""
    args = dict(timm_args or {})
    for name in ('features_only', 'pretrained', 'num_classes', 'in_chans',
                 'out_indices'):
        if name in args:
            raise ValueError(f'timm_args must not hold {name!r}: '
                             'TimmBackbone sets it')
    if drop_path_rate is not None:
        args['drop_path_rate'] = drop_path_rate
    if family(model_name) in _ANY_SIZE and 'img_size' not in args:
        args.setdefault('strict_img_size', False)
    return args


def make_replay(model_name: str, args: dict,
                out_indices: Sequence[int] | None = None) -> Replay:
    """Build a timm model and cut it at four taps.

    Args:
        model_name (str): timm's name, with or without a tag.
        args (dict): Constructor arguments, see :func:`model_arguments`.
        out_indices (Sequence[int], optional): Which of timm's features are
            the four maps. Defaults to None, the last one at each of the
            strides 4, 8, 16 and 32.

    Raises:
        ValueError: If the model has no such maps or cannot be run in pieces.
    """
    import timm
    check_name(model_name)
    try:
        with torch.device('meta'):  # costs no memory, no random numbers
            probe = timm.create_model(model_name, features_only=True, **args)
    except TypeError as error:
        raise ValueError(f'timm cannot build {model_name!r} with '
                         f'timm_args={args}: {error}') from error
    except RuntimeError as error:
        raise ValueError(f'timm has no features for {model_name!r}: '
                         f'{error}') from error
    indices = _four_taps(model_name, probe, out_indices)
    _check_kind(model_name, probe)
    with torch.device('meta'):
        whole = timm.create_model(model_name, **args)
    net = timm.create_model(model_name, features_only=True,
                            out_indices=tuple(indices), **args)
    info = net.feature_info
    modules = _named_modules(net, whole)
    taps = _tap_names(net, info.module_name(indices), modules)
    first = min(info.out_indices[0], indices[0])
    before = None
    if first > 0:  # a tap at stride 2 ends the stem
        before = info.module_name(first - 1)
    pieces = _cut(list(modules), taps, before)
    kept = {f'{name}.{key}' for piece in pieces for name in piece
            for key in modules[name].state_dict()}
    return Replay(
        modules={name: modules[name] for piece in pieces for name in piece},
        pieces=pieces,
        out_channels=tuple(info.channels(indices)),
        nhwc=str(getattr(net, 'output_fmt', 'NCHW')).endswith('NHWC'),
        concat=bool(getattr(net, 'concat', False)),
        unused=frozenset(whole.state_dict()) - kept,
        input_size=_fixed_size(net, args),
        native_size=tuple(net.pretrained_cfg['input_size'][-2:]))


def _four_taps(model_name: str, net: nn.Module,
               out_indices: Sequence[int] | None) -> list[int]:
    info = net.feature_info
    reductions = [info[index]['reduction'] for index in range(len(info.info))]
    if out_indices is not None:
        indices = list(out_indices)
        if len(indices) != NUM_STAGES or indices != sorted(set(indices)) or (
                not 0 <= indices[0] <= indices[-1] < len(reductions)):
            raise ValueError(
                f'out_indices must be {NUM_STAGES} rising indices into the '
                f'features of {model_name!r}, whose strides are '
                f'{reductions}; got {indices}')
        return indices
    if any(stride not in reductions for stride in STRIDES):
        raise ValueError(
            f'{model_name!r} has no maps at strides {list(STRIDES)}: its '
            f'features are at {reductions}; docs/en/backbones.md lists the '
            'models that fit')
    return [len(reductions) - 1 - reductions[::-1].index(stride)
            for stride in STRIDES]


def _is_block_list(net: nn.Module) -> bool:
    return type(net).__name__ in ('EfficientNetFeatures',
                                  'MobileNetV3Features')


def _check_kind(model_name: str, net: nn.Module) -> None:
    from timm.models import FeatureListNet
    if family(model_name) in _SEVERAL_MAPS:
        raise ValueError(f'the stages of {model_name!r} hand on several maps '
                         'at once, so one map cannot be changed between '
                         'them; docs/en/backbones.md lists the models that '
                         'fit')
    if isinstance(net, FeatureListNet):
        return
    if _is_block_list(net) and net.feature_hooks is None:
        return
    raise ValueError(
        f'timm runs {model_name!r} as a whole ({type(net).__name__}), so '
        'nothing can come between its stages; docs/en/backbones.md lists '
        'the models that fit')


def _named_modules(net: nn.Module, whole: nn.Module) -> dict[str, nn.Module]:
    """Own names of timm's modules in the order in which they run."""
    if _is_block_list(net):
        names = [name for name, _ in net.named_children()
                 if name not in ('blocks', 'feature_hooks')]
        return {**{name: getattr(net, name) for name in names},
                **{f'blocks.{index}': block
                   for index, block in enumerate(net.blocks)}}
    dotted = {}  # FeatureListNet writes `stages.0` as `stages_0`
    for name, child in whole.named_children():
        if isinstance(child, nn.Sequential):
            dotted.update({f'{name}_{key}': f'{name}.{key}'
                           for key, _ in child.named_children()})
    for name, _ in whole.named_children():
        dotted[name] = name
    return {dotted[name]: module for name, module in net.items()}


def _tap_names(net: nn.Module, names: list[str],
               modules: dict[str, nn.Module]) -> list[str]:
    """Names of the modules after which the maps are taken."""
    if _is_block_list(net):  # `blocks.2.0.conv` is inside `blocks.2`
        names = ['.'.join(name.split('.')[:2]) for name in names]
    assert all(name in modules for name in names), (names, list(modules))
    return names


def _cut(order: list[str], taps: list[str], before: str | None
         ) -> tuple[tuple[str, ...], ...]:
    """Cut the running order into a stem and four stages.

    The stem ends at the tap ``before`` the first map if there is one, else
    with all that runs before the module whose output is the first map.
    """
    ends = [order.index(tap) + 1 for tap in taps]
    start = order.index(before) + 1 if before in order else ends[0] - 1
    bounds = [0, start, *ends]
    return tuple(tuple(order[low:high])
                 for low, high in zip(bounds, bounds[1:], strict=False))


def _fixed_size(net: nn.Module, args: dict) -> tuple[int, int] | None:
    cfg = getattr(net, 'pretrained_cfg', None) or {}
    if not cfg.get('fixed_input_size') or not (
            args.get('strict_img_size', True)):
        return None
    size = args.get('img_size') or cfg['input_size'][-2:]
    return (size, size) if isinstance(size, int) else tuple(size)
