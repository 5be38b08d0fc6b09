# Copyright (c) OpenMMLab. All rights reserved.
"""The shipped configs, and small models made from them."""

from copy import deepcopy
from functools import cache
from pathlib import Path

import pytest
from mmengine.config import Config

from mmavs.registry import MODELS

REPO = Path(__file__).resolve().parents[1]
CONFIGS = sorted(
    path.relative_to(REPO / 'configs').as_posix()
    for path in (REPO / 'configs').rglob('*.py')
    if path.relative_to(REPO / 'configs').parts[0] != '_base_')
ABLATIONS = 'selm/ablations/'
# Ablations that bring parts which no other config has.
NEW_PARTS = ('wo-', 'fusion-', 'clever-')
WIDTH = 128  # of VGGish's embeddings, which stand in for the encoder


def slow_unless(quick, names=CONFIGS):
    """Test parameters; the ablations that are not quick wait for --slow."""
    return [pytest.param(name, marks=pytest.mark.slow)
            if name.startswith(ABLATIONS) and not quick(name) else name
            for name in names]


def has_new_parts(name):
    variant = name.rsplit('_', 1)[1]
    return '_s4_' not in name and variant.startswith(NEW_PARTS)


@cache
def read_config(name):
    return Config.fromfile(REPO / 'configs' / name)


def small_model_config(name):
    """The config's model, small and narrow, fed with embeddings."""
    model = deepcopy(read_config(name).model)
    is_pvt = 'pvt' in model.backbone.get('model_name', '')
    model.backbone = dict(
        type='TimmBackbone',
        model_name='pvt_v2_b0' if is_pvt else 'resnet18')
    if model.data_preprocessor.get('pad_to'):
        model.data_preprocessor.pad_to = 3
    if model.decode_head.type == 'AVSegFormerHead':
        model.decode_head.update(num_queries=20, num_layers=2,
                                 ffn_channels=64)
    model.audio_encoder = None
    model.audio_projector.update(in_channels=WIDTH, out_channels=64)
    if model.get('projector'):
        model.projector.out_channels = 64
    return model


def small_model(name):
    return MODELS.build(small_model_config(name))
