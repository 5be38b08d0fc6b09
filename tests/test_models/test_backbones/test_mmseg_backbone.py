# Copyright (c) OpenMMLab. All rights reserved.
import pytest
import timm
import torch
from torch import nn

from mmavs.io.checkpoint import CheckpointError
from mmavs.models.backbones import MMSegBackbone
from mmavs.registry import MODELS


@pytest.mark.parametrize('cfg', [
    dict(type='mmseg.ResNet', depth=18),
    dict(type='ResNetV1c', depth=18),
    dict(type='mmseg.ResNeSt', depth=50)])
def test_stages_are_mmsegs_features(cfg):
    backbone = MODELS.build(dict(type='MMSegBackbone', cfg=cfg)).eval()
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        maps, expected = backbone(x), backbone.model(x)
    assert [m.shape[1] for m in maps] == list(backbone.out_channels)
    for a, b in zip(maps, expected, strict=True):
        torch.testing.assert_close(a, b)


def test_loads_torchvision_names(tmp_path):
    source = timm.create_model('resnet18').state_dict()
    path = tmp_path / 'resnet18.pth'
    torch.save(source, path)
    backbone = MMSegBackbone(dict(type='ResNet', depth=18), init_cfg=dict(
        type='Pretrained', checkpoint=str(path)))
    backbone.init_weights()
    torch.testing.assert_close(backbone.model.layer4[1].conv2.weight,
                               source['layer4.1.conv2.weight'])
    with pytest.raises(CheckpointError, match='missing'):
        MMSegBackbone(dict(type='ResNet', depth=34), init_cfg=dict(
            type='Pretrained', checkpoint=str(path))).init_weights()


def test_frozen_and_checkpointed():
    backbone = MMSegBackbone(dict(type='ResNet', depth=18), frozen_stages=1,
                             norm_eval=True, with_cp=True).train()
    assert not backbone.model.layer1.training
    sum(m.mean() for m in backbone(torch.randn(1, 3, 64, 64))).backward()
    assert backbone.model.layer1[0].conv1.weight.grad is None
    assert backbone.model.layer2[0].conv1.weight.grad is not None


def test_what_is_no_resnet_is_refused():
    with pytest.raises(ValueError, match='no ResNet with four stages'):
        MMSegBackbone(nn.Conv2d(1, 1, 1))
    with pytest.raises(ValueError, match='maps at strides'):
        MMSegBackbone(dict(type='ResNet', depth=18, strides=(1, 2, 1, 1),
                           dilations=(1, 1, 2, 4)))
    with pytest.raises(ValueError, match='give norm_eval'):
        MMSegBackbone(dict(type='ResNet', depth=18, norm_eval=True))
