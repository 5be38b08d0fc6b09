# Copyright (c) OpenMMLab. All rights reserved.
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmavs.registry import MODELS

PIECES = Path(__file__).parents[3] / 'configs/_base_/models/audio_encoders'


@pytest.mark.parametrize('name', ['vggish', 'yamnet', 'logmel_cnn'])
def test_piece_replaces_the_encoder(name, tmp_path):
    (tmp_path / 'base.py').write_text(
        "model = dict(type='AVSegmentor', audio_encoder=dict(type='VGGish', "
        'postprocess=True))\n')
    leaf = tmp_path / 'leaf.py'
    leaf.write_text(f"_base_ = ['./base.py', '{PIECES / name}.py']\n"
                    'model = dict(audio_encoder=_base_.audio_encoder)\n')
    cfg = Config.fromfile(leaf).model.audio_encoder
    assert 'postprocess' not in cfg
    if 'init_cfg' in cfg:
        cfg.update(init_cfg=None, allow_random=True)
    with torch.device('meta'):
        encoder = MODELS.build(cfg)
        assert encoder(torch.empty(2, 1, 96, 64)).shape == (
            2, encoder.out_channels)
