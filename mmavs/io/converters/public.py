# Copyright (c) OpenMMLab. All rights reserved.
"""Public weight files brought to the names mmavs uses."""

import re
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from ..checkpoint import CheckpointError
from ..weights import shorten
from .avs_resnet import DEAD_BRANCH, avs_resnet_name
from .pvt_v2 import pvt_v2_to_timm

_VGGISH = {f'{part}.{index}.{kind}'
           for part, indices in (('features', (0, 3, 6, 8, 11, 13)),
                                 ('embeddings', (0, 2, 4)))
           for index in indices for kind in ('weight', 'bias')}
_PCA = {'pca_eigen_vectors': (128, 128), 'pca_means': (128, 1)}
_HEAD = re.compile(r'^(head|fc)\.')


def convert_vggish(weights: Mapping[str, Tensor],
                   pca: Mapping | None = None) -> dict[str, Tensor]:
    """The public VGGish file, with its PCA if wanted.

    Args:
        weights (Mapping[str, Tensor]): Content of ``vggish-10086976.pth``.
        pca (Mapping, optional): Content of
            ``vggish_pca_params-970ea276.pth``, arrays or tensors. Defaults to
            None.

    Returns:
        dict[str, Tensor]: For :class:`mmavs.models.VGGish`; the PCA under
        ``pproc.``, for ``postprocess=True``.

    Raises:
        CheckpointError: If something is missing or does not belong.
    """
    missing = sorted(_VGGISH - set(weights))
    strange = sorted(name for name in set(weights) - _VGGISH
                     if not name.startswith('pproc.'))
    if missing or strange:
        raise CheckpointError(
            'this is not the public VGGish file: ' + '; '.join(
                f'{title} {shorten(names)}' for title, names in (
                    ('missing', missing), ('unexpected', strange)) if names))
    converted = dict(weights)
    for name, shape in _PCA.items() if pca is not None else ():
        value = pca.get(name, pca.get(f'pproc.{name}'))
        if value is None or tuple(value.shape) != shape:
            raise CheckpointError(f'the PCA file has no {name} of shape '
                                  f'{shape}; it has {shorten(sorted(pca))}')
        converted[f'pproc.{name}'] = torch.from_numpy(
            np.array(value, dtype=np.float32))
    return converted


def convert_pvt_v2(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Official PVT-v2 weights under timm's names, without the classifier.

    Raises:
        CheckpointError: If they are not in the official names.
    """
    if 'patch_embed1.proj.weight' not in weights:
        raise CheckpointError(
            "these are not PVT-v2's official names (patch_embed1, block1, "
            f'norm1, ...); found {shorten(list(weights))}')
    return {name: value for name, value in pvt_v2_to_timm(weights).items()
            if not _HEAD.match(name)}


def convert_resnet(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of torchvision's or AVSBench's ResNet, without the classifier.

    AVSBench's second branch of stages 3 and 4, which never runs, is dropped.

    Raises:
        CheckpointError: If they are not a ResNet's.
    """
    if 'conv1.weight' not in weights or 'layer1.0.conv1.weight' not in (
            weights):
        raise CheckpointError("these are not a ResNet's names (conv1, "
                              f'layer1.0.conv1, ...); found '
                              f'{shorten(list(weights))}')
    return {avs_resnet_name(name): value for name, value in weights.items()
            if not _HEAD.match(name) and not DEAD_BRANCH.match(name)}
