# Copyright (c) OpenMMLab. All rights reserved.
import json
import re
import runpy
import sys

import numpy as np
import pytest
import torch

from mmavs.io.checkpoint import CheckpointError, load_checkpoint_file
from mmavs.io.converters.program import fitting_model
from mmavs.io.converters.public import (
    convert_pvt_v2,
    convert_resnet,
    convert_vggish,
)
from mmavs.models.audio_encoders import VGGish
from mmavs.models.backbones import TimmBackbone


def official_pvt(backbone):
    """timm's PVT-v2 weights under the official names, with a classifier."""
    rules = ((r'^patch_embed\.', 'patch_embed1.'),
             (r'^stages\.(\d)\.downsample\.', 'patch_embed<>.'),
             (r'^stages\.(\d)\.blocks\.', 'block<>.'),
             (r'^stages\.(\d)\.norm\.', 'norm<>.'),
             (r'mlp\.dwconv\.', 'mlp.dwconv.dwconv.'))
    renamed = {'head.weight': torch.zeros(1000, 256)}
    for name, value in backbone.model.state_dict().items():
        for pattern, new in rules:
            def replace(found, new=new):
                stage = int(found[1]) + 1 if found.groups() else ''
                return new.replace('<>', str(stage))
            name = re.sub(pattern, replace, name)
        renamed[name] = value
    return renamed


def run_tool(repo_dir, monkeypatch, name, *args):
    monkeypatch.setattr(sys, 'argv', [name, *map(str, args)])
    tool = runpy.run_path(str(repo_dir / f'tools/model_converters/{name}'))
    tool['main']()


def test_pvt_v2(tmp_path, repo_dir, monkeypatch, capsys):
    source = TimmBackbone('pvt_v2_b0')
    path = tmp_path / 'pvt.pth'
    torch.save(official_pvt(source), path)
    run_tool(repo_dir, monkeypatch, 'pvt_v2_to_mmavs.py', path,
             tmp_path / 'out.pth')
    assert "model_name='pvt_v2_b0'" in capsys.readouterr().out
    for file in (path, tmp_path / 'out.pth'):  # both are read directly
        backbone = TimmBackbone('pvt_v2_b0', init_cfg=dict(
            type='Pretrained', checkpoint=str(file)))
        backbone.init_weights()
        for name, value in backbone.state_dict().items():
            torch.testing.assert_close(value, source.state_dict()[name])
    with pytest.raises(CheckpointError, match='official names'):
        convert_pvt_v2(source.model.state_dict())


def test_released_pvt_fits_timm(shared_dir):
    manifest = json.loads(
        (shared_dir / 'parity/manifest_selm_pvt_s4.json').read_text())
    prefix = 'encoder_backbone.'
    weights = {name.removeprefix(prefix): torch.empty(shape, device='meta')
               for name, shape in manifest.items()
               if name.startswith(prefix) and 'DAM' not in name}
    assert len(weights) >= 1050
    assert fitting_model(convert_pvt_v2(weights), ['pvt_v2_b5'])


def test_released_resnet_fits_timm(shared_dir):
    manifest = json.loads(
        (shared_dir / 'parity/manifest_selm_r50_s4.json').read_text())
    weights = {name.removeprefix('resnet.'): torch.empty(
        shape, device='meta') for name, shape in manifest.items()
        if name.startswith('resnet.')}
    converted = convert_resnet(weights)
    names = ['resnet18', 'resnet50']
    assert fitting_model(converted, names) == 'resnet50'
    del converted['conv1.weight']
    with pytest.raises(CheckpointError, match='fit none of'):
        fitting_model(converted, names)
    with pytest.raises(CheckpointError, match="ResNet's names"):
        convert_resnet(converted)


def test_resnet_tool(tmp_path, repo_dir, monkeypatch, capsys):
    weights = TimmBackbone('resnet18').model.state_dict()
    weights['fc.weight'] = torch.zeros(1000, 512)
    torch.save(weights, tmp_path / 'r.pth')
    run_tool(repo_dir, monkeypatch, 'resnet_to_mmavs.py', tmp_path / 'r.pth',
             tmp_path / 'out.pth')
    assert 'resnet18' in capsys.readouterr().out
    assert 'fc.weight' not in load_checkpoint_file(tmp_path / 'out.pth')


class TestVGGish:

    @pytest.fixture(scope='class')
    def weights(self):
        with torch.device('meta'):
            encoder = VGGish(frozen=False)
        return encoder.state_dict()

    def test_pca_is_added(self, weights):
        pca = dict(pca_eigen_vectors=np.eye(128),
                   pca_means=np.ones((128, 1)))
        converted = convert_vggish(weights, pca)
        with torch.device('meta'):
            wanted = VGGish(frozen=False, postprocess=True).state_dict()
        assert {k: v.shape for k, v in converted.items()} == {
            k: v.shape for k, v in wanted.items()}
        assert converted['pproc.pca_means'].dtype == torch.float32

    def test_errors(self, weights):
        with pytest.raises(CheckpointError, match='PCA file has no'):
            convert_vggish(weights, dict(pca_means=np.ones((128, 1))))
        with pytest.raises(CheckpointError, match='missing features.0'):
            convert_vggish({k: v for k, v in weights.items()
                            if not k.startswith('features.0')})
        with pytest.raises(CheckpointError, match='unexpected other'):
            convert_vggish({**weights, 'other': weights['features.0.bias']})

    def test_tool(self, repo_dir, tmp_path, monkeypatch, capsys):
        small = {name: torch.zeros(1) for name in (
            f'{part}.{index}.{kind}' for part, indices in (
                ('features', (0, 3, 6, 8, 11, 13)),
                ('embeddings', (0, 2, 4)))
            for index in indices for kind in ('weight', 'bias'))}
        torch.save(small, tmp_path / 'v.pth')
        torch.save(dict(pca_eigen_vectors=np.eye(128),
                        pca_means=np.ones((128, 1))), tmp_path / 'pca.pth')
        run_tool(repo_dir, monkeypatch, 'vggish_to_mmavs.py',
                 tmp_path / 'v.pth', tmp_path / 'out.pth', '--pca',
                 tmp_path / 'pca.pth')
        out = load_checkpoint_file(tmp_path / 'out.pth')
        torch.testing.assert_close(out['pproc.pca_eigen_vectors'],
                                   torch.eye(128))
        assert 'postprocess=True' in capsys.readouterr().out
