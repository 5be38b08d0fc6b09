# Copyright (c) OpenMMLab. All rights reserved.
"""PVT-v2's official names to timm's (specs: 1:1, outputs equal)."""

import re
from collections.abc import Mapping
from typing import TypeVar

Value = TypeVar('Value')

_NAME = re.compile(
    r'^(?P<part>patch_embed|block|norm)(?P<stage>[1-4])\.(?P<rest>.+)$')


def pvt_v2_name(name: str) -> str:
    """One official name as timm's.

    ``patch_embed1`` is timm's ``patch_embed``, ``patch_embed{k}`` its
    ``stages.{k-1}.downsample``, ``block{k}.{j}`` its
    ``stages.{k-1}.blocks.{j}`` and ``norm{k}`` its ``stages.{k-1}.norm``.
    """
    found = _NAME.match(name)
    if found is None:
        return name
    stage, rest = int(found['stage']) - 1, found['rest']
    if found['part'] == 'patch_embed':
        return (f'patch_embed.{rest}' if stage == 0 else
                f'stages.{stage}.downsample.{rest}')
    if found['part'] == 'norm':
        return f'stages.{stage}.norm.{rest}'
    rest = rest.replace('mlp.dwconv.dwconv.', 'mlp.dwconv.')
    return f'stages.{stage}.blocks.{rest}'


def pvt_v2_to_timm(weights: Mapping[str, Value]) -> dict[str, Value]:
    """Rename a state dict of the official PVT-v2 to timm's names.

    Args:
        weights (Mapping): Official names; others, such as ``head.weight``,
            are kept as they are.

    Returns:
        dict: The same values under timm's names.
    """
    return {pvt_v2_name(name): value for name, value in weights.items()}
