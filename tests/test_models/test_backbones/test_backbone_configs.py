# Copyright (c) OpenMMLab. All rights reserved.
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmavs.registry import MODELS

PIECES = sorted((Path(__file__).parents[3] /
                 'configs/_base_/models/backbones').glob('*.py'))


def test_there_are_pieces():
    names = {piece.stem for piece in PIECES}
    assert names >= {'resnet18', 'resnet50', 'pvt_v2_b0', 'pvt_v2_b2',
                     'pvt_v2_b5', 'swin_t', 'swin_b', 'convnext_t',
                     'mobilenetv2', 'mambaout'}


@pytest.mark.parametrize('piece', PIECES, ids=lambda path: path.stem)
def test_piece_replaces_the_backbone(piece, tmp_path):
    base = tmp_path / 'base.py'
    base.write_text("model = dict(type='AVSegmentor', backbone=dict("
                    "type='MMSegBackbone', cfg=dict(depth=50)))\n")
    leaf = tmp_path / 'leaf.py'
    leaf.write_text(f"_base_ = ['./base.py', '{piece}']\n"
                    'model = dict(backbone=_base_.backbone)\n')
    cfg = Config.fromfile(leaf)
    assert 'cfg' not in cfg.model.backbone
    cfg.dump(tmp_path / 'dumped.py')
    again = Config.fromfile(tmp_path / 'dumped.py')
    assert again.model == cfg.model
    with torch.device('meta'):
        backbone = MODELS.build(cfg.model.backbone)
        maps = backbone(torch.empty(1, 3, 160, 96))
    assert [m.shape[1] for m in maps] == list(backbone.out_channels)
    assert backbone.pretrained or backbone.pretrained_cfg
