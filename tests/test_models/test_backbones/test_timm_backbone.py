# Copyright (c) OpenMMLab. All rights reserved.
import pytest
import timm
import torch
from torch import nn

from mmavs.io.checkpoint import CheckpointError, CheckpointNotFoundError
from mmavs.models.backbones import TimmBackbone
from mmavs.registry import MODELS

# One small name of many families; the slow test has one of every family.
FAMILIES = [
    'pvt_v2_b0', 'resnet18', 'swin_tiny_patch4_window7_224',
    'convnext_atto', 'mobilenetv2_050', 'mobilenetv3_small_050',
    'efficientnet_b0', 'mambaout_femto', 'dpn48b', 'densenet121',
    'regnety_002', 'ghostnet_050', 'repvit_m0_9', 'hgnetv2_b0',
    'poolformer_s12', 'starnet_s1', 'edgenext_xx_small', 'resnetv2_18']


def pair(name, **kwargs):
    """Our backbone and timm's own features with the same weights."""
    torch.manual_seed(0)
    ours = TimmBackbone(name, **kwargs).eval()
    torch.manual_seed(0)
    theirs = timm.create_model(name, features_only=True, **ours._args).eval()
    return ours, theirs


def timm_maps(net, x):
    """timm's maps at strides 4, 8, 16 and 32, as NCHW."""
    strides = net.feature_info.reduction()
    maps = net(x)
    if 'NHWC' in str(getattr(net, 'output_fmt', '')):
        maps = [m.permute(0, 3, 1, 2) for m in maps]
    return [maps[len(strides) - 1 - strides[::-1].index(stride)]
            for stride in (4, 8, 16, 32)]


@pytest.mark.parametrize('name', FAMILIES)
def test_stages_are_timms_features(name):
    ours, theirs = pair(name)
    x = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        maps, expected = ours(x), timm_maps(theirs, x)
    assert [m.shape[1] for m in maps] == list(ours.out_channels)
    for index, stride in enumerate((4, 8, 16, 32)):
        assert maps[index].shape[2:] == (64 // stride, 96 // stride)
        torch.testing.assert_close(maps[index], expected[index])


@pytest.mark.parametrize('name', FAMILIES)
def test_no_parameter_is_unused_and_maps_feed_the_next_stage(name):
    backbone = TimmBackbone(name, drop_path_rate=None).train()
    backbone.norm_eval = True
    backbone.train()
    x = backbone.stem(torch.randn(1, 3, 64, 64))
    maps = []
    for stage in backbone.stages:
        x = stage(x) * 1.  # a fusion hands on a new map
        x.retain_grad()
        maps.append(x)
    maps[-1].square().mean().backward()
    unused = [key for key, value in backbone.named_parameters()
              if value.grad is None]
    assert not unused
    assert all(m.grad is not None and m.grad.abs().sum() > 0 for m in maps)


@pytest.mark.parametrize('name', ['pvt_v2_b0', 'mambaout_femto', 'dpn48b'])
def test_changing_a_map_changes_the_next_only(name):
    backbone = TimmBackbone(name).eval()
    with torch.no_grad():
        first = backbone.stages[0](backbone.stem(torch.randn(1, 3, 64, 64)))
        kept = first.clone()
        plain = backbone.stages[1](first)
        changed = backbone.stages[1](first + torch.randn_like(first))
    assert torch.equal(first, kept)
    assert not torch.allclose(plain, changed)


def test_names_are_timms_under_model():
    for name in ('pvt_v2_b0', 'resnet18', 'mobilenetv2_050',
                 'convnext_atto', 'densenet121'):
        whole = set(timm.create_model(name).state_dict())
        ours = set(TimmBackbone(name).state_dict())
        assert {key.removeprefix('model.') for key in ours} < whole
    assert 'model.layer1.0.conv1.weight' in TimmBackbone(
        'resnet18').state_dict()


def test_built_from_a_config_and_copied():
    import copy
    backbone = MODELS.build(dict(type='TimmBackbone', model_name='resnet18'))
    twin = copy.deepcopy(backbone)
    with torch.no_grad():
        for value in twin.parameters():
            value.zero_()
    assert backbone.eval()(torch.randn(1, 3, 32, 32))[0].abs().sum() > 0


def test_replaced_modules_are_used():
    backbone = TimmBackbone('resnet18')
    converted = nn.SyncBatchNorm.convert_sync_batchnorm(backbone)
    kinds = [type(m) for part in range(5) for module in converted.parts(part)
             for m in module.modules()]
    assert nn.SyncBatchNorm in kinds and nn.BatchNorm2d not in kinds


@pytest.mark.parametrize('frozen', [-1, 0, 2, 4])
def test_frozen_stages(frozen):
    backbone = TimmBackbone('resnet18', frozen_stages=frozen)
    backbone.train()
    for index in range(5):
        for part in backbone.parts(index):
            for value in part.parameters():
                assert value.requires_grad == (index > frozen)
            for module in part.modules():
                assert module.training == (index > frozen)
    backbone.set_frozen_stages(-1)
    assert all(value.requires_grad for value in backbone.parameters())
    assert all(module.training for module in backbone.modules())


def test_frozen_stages_out_of_range():
    with pytest.raises(ValueError, match='frozen_stages must be'):
        TimmBackbone('resnet18', frozen_stages=5)


def test_norm_eval_keeps_statistics():
    backbone = TimmBackbone('resnet18', norm_eval=True).train()
    before = {k: v.clone() for k, v in backbone.state_dict().items()}
    backbone(torch.randn(2, 3, 32, 32) * 5)
    assert all(torch.equal(before[k], v)
               for k, v in backbone.state_dict().items())
    assert backbone.model.layer1.training


@pytest.mark.parametrize('name', ['resnet18', 'pvt_v2_b0'])
def test_checkpointing_changes_nothing(name):
    results = []
    for with_cp in (False, True):
        torch.manual_seed(1)
        backbone = TimmBackbone(name, with_cp=with_cp, drop_path_rate=0.3)
        backbone.train()
        torch.manual_seed(2)
        maps = backbone(torch.randn(2, 3, 64, 64))
        sum(m.square().mean() for m in maps).backward()
        results.append((maps, [p.grad for p in backbone.parameters()],
                        backbone.state_dict()))
    (maps, grads, state), (maps_cp, grads_cp, state_cp) = results
    for a, b in zip(maps + grads, maps_cp + grads_cp, strict=True):
        torch.testing.assert_close(a, b)
    for key in state:
        torch.testing.assert_close(state[key], state_cp[key])


def test_any_size_for_swin_and_a_clear_error_for_the_others():
    backbone = TimmBackbone('swin_tiny_patch4_window7_224').eval()
    with torch.no_grad():
        assert backbone(torch.zeros(1, 3, 96, 160))[3].shape[2:] == (3, 5)
    with torch.device('meta'):
        backbone = TimmBackbone('gcvit_xxtiny', timm_args=dict(img_size=64))
        assert backbone(torch.empty(1, 3, 64, 64))[0].shape[2] == 16
        with pytest.raises(ValueError, match=r'dict\(img_size=\(96, 96\)\)'):
            backbone(torch.empty(1, 3, 96, 96))
        backbone = TimmBackbone('halonet26t')
        assert backbone(torch.empty(1, 3, 256, 256))[0].shape[2] == 64
        with pytest.raises(ValueError, match=r'its own is \(256, 256\)'):
            backbone(torch.empty(1, 3, 96, 96))


def test_out_indices():
    with torch.device('meta'):
        backbone = TimmBackbone('vgg11', out_indices=(1, 2, 3, 4))
    assert backbone.out_channels == (128, 256, 512, 512)
    with pytest.raises(ValueError, match='rising indices'):
        TimmBackbone('vgg11', out_indices=(3, 2, 1, 0))


def test_drop_path_and_timm_args():
    backbone = TimmBackbone('pvt_v2_b0', drop_path_rate=0.5)
    rates = [m.drop_prob for m in backbone.modules()
             if type(m).__name__ == 'DropPath']
    assert max(rates) == pytest.approx(0.5)
    with pytest.raises(ValueError, match='no_such_argument'):
        TimmBackbone('pvt_v2_b0', timm_args=dict(no_such_argument=1))
    with pytest.raises(ValueError, match='TimmBackbone sets it'):
        TimmBackbone('pvt_v2_b0', timm_args=dict(features_only=True))


@pytest.mark.parametrize('name,message', [
    ('pvt_v2_b9', 'did you mean pvt_v2_b'),
    ('hf-hub:timm/resnet18', 'has no model'),
    ('vit_tiny_patch16_224', r'features are at \[16, 16'),
    ('hrnet_w18_small', 'as a whole'), ('selecsls42', 'several maps')])
def test_models_that_do_not_fit(name, message):
    with pytest.raises(ValueError, match=message):
        TimmBackbone(name)


class TestPretrained:

    @pytest.fixture
    def weights(self):
        return timm.create_model('resnet18').state_dict()

    def load(self, tmp_path, content, name='resnet18', **kwargs):
        path = tmp_path / 'w.pth'
        torch.save(content, path)
        backbone = TimmBackbone(name, init_cfg=dict(
            type='Pretrained', checkpoint=str(path), **kwargs))
        backbone.init_weights()
        return backbone

    @pytest.mark.parametrize('prefix', [
        '', 'model.', 'backbone.', 'module.', 'backbone.model.'])
    def test_formats(self, tmp_path, weights, prefix):
        content = {prefix + k: v for k, v in weights.items()}
        if prefix == 'backbone.model.':
            content['decode_head.weight'] = torch.ones(1)
        backbone = self.load(tmp_path, dict(state_dict=content))
        for key, value in backbone.model.state_dict().items():
            torch.testing.assert_close(value, weights[key])

    def test_features_only_names(self, tmp_path):
        net = timm.create_model('convnext_atto', features_only=True)
        backbone = self.load(tmp_path, net.state_dict(), 'convnext_atto')
        torch.testing.assert_close(
            backbone.model.get_parameter('stages.0.blocks.0.mlp.fc1.weight'),
            net.stages_0.blocks[0].mlp.fc1.weight)

    def test_wrong_files_are_refused(self, tmp_path, weights):
        broken = dict(weights)
        del broken['layer1.0.conv1.weight']
        with pytest.raises(CheckpointError, match='layer1.0.conv1.weight'):
            self.load(tmp_path, broken)
        self.load(tmp_path, broken, strict=False)
        with pytest.raises(CheckpointError, match='strange.weight'):
            self.load(tmp_path, {**weights, 'strange.weight': weights[
                'bn1.weight']})
        with pytest.raises(CheckpointError):
            self.load(tmp_path, timm.create_model('resnet34').state_dict())

    def test_missing_file_names_the_switch(self):
        backbone = TimmBackbone('resnet18', init_cfg=dict(
            type='Pretrained', checkpoint='no/such.pth'))
        with pytest.raises(CheckpointNotFoundError) as error:
            backbone.init_weights()
        assert 'no/such.pth' in str(error.value)
        assert 'model.backbone.init_cfg=None' in str(error.value)

    def test_timm_offline_is_one_line(self, monkeypatch):
        real = timm.create_model

        def offline(*args, **kwargs):
            if kwargs.get('pretrained'):
                raise OSError('no route to host\nsecond line')
            return real(*args, **kwargs)

        monkeypatch.setattr(timm, 'create_model', offline)
        backbone = TimmBackbone('resnet18', pretrained=True)
        with pytest.raises(CheckpointNotFoundError) as error:
            backbone.init_weights()
        assert '\n' not in str(error.value)
        assert 'model.backbone.pretrained=False' in str(error.value)

    def test_timm_download_is_taken(self, monkeypatch):
        real = timm.create_model
        source = real('resnet18')

        def online(*args, **kwargs):
            return source if kwargs.get('pretrained') else real(
                *args, **kwargs)

        monkeypatch.setattr(timm, 'create_model', online)
        backbone = TimmBackbone('resnet18', pretrained=True)
        backbone.init_weights()
        torch.testing.assert_close(backbone.model.conv1.weight,
                                   source.conv1.weight)

    def test_bad_init_cfg(self):
        for bad in (dict(type='Pretrained'),
                    dict(type='Pretrained', checkpoint='a', prefx='b')):
            with pytest.raises(ValueError, match='Pretrained'):
                TimmBackbone('resnet18', init_cfg=bad)
        with pytest.raises(ValueError, match='not both'):
            TimmBackbone('resnet18', pretrained=True, init_cfg=dict(
                type='Pretrained', checkpoint='a'))

    def test_shared_mobilenet(self, shared_dir):
        backbone = TimmBackbone(
            'mobilenetv2_100', timm_args=dict(pad_type='same'),
            norm_eval=True, init_cfg=dict(
                type='Pretrained', checkpoint=str(
                    shared_dir / 'weights/mobilenetv2_100_timm_imagenet.pth'
                )))
        backbone.init_weights()
        with torch.no_grad():
            maps = backbone.train()(torch.randn(1, 3, 64, 64))
        assert all(torch.isfinite(m).all() for m in maps)


# The smallest model of every family that docs/en/backbones.md lists.
SMALLEST = [
    'cpubone_nano', 'cs3darknet_focus_s', 'davit_tiny', 'densenet121',
    'dla46x_c', 'dpn48b', 'edgenext_xx_small', 'efficientformerv2_s0',
    'efficientvit_b0', 'ese_vovnet19b_slim_dw', 'fasternet_t0',
    'fastvit_t8', 'focalnet_tiny_srf', 'gcvit_xxtiny', 'ghostnet_050',
    'halonet_h1', 'hardcorenas_b', 'hgnetv2_b0', 'iformer_t',
    'inception_next_atto', 'lcnet_035', 'lcnetv2_small',
    'legacy_seresnet18', 'lowformer_b0', 'mobilevit_xxs', 'nextvit_small',
    'poolformerv2_s12', 'pvt_v2_b0', 'rdnet_tiny', 'regnetx_002',
    'repghostnet_050', 'repvit_m1', 'res2next50', 'resnest14d',
    'resnetv2_18', 'rexnet_100', 'skresnet18', 'starnet_s050',
    'swiftformer_xs', 'swin_tiny_patch4_window7_224', 'swinv2_cr_tiny_384',
    'swinv2_tiny_window16_256', 'test_byobnet', 'test_coatnet',
    'test_convnext', 'test_efficientnet_ln', 'test_mambaout', 'test_nfnet',
    'test_resnet', 'tiny_vit_5m_224', 'tresnet_m', 'vgg11']


@pytest.mark.slow
@pytest.mark.parametrize('name', SMALLEST)
def test_one_name_of_every_family(name):
    if not timm.is_model(name):
        pytest.skip(f'timm {timm.__version__} has no {name}')
    ours, theirs = pair(name)
    # two rows, as BatchNorm on 1x1 maps wants more than one in training
    x = torch.randn(2, 3, *(ours.input_size or ours.native_size))
    with torch.no_grad():
        for a, b in zip(ours(x), timm_maps(theirs, x), strict=True):
            torch.testing.assert_close(a, b)
    assert_trains(ours, x)


def assert_trains(backbone, x):
    """No map is changed in place afterwards, no parameter is unused."""
    backbone.norm_eval = True
    backbone.train()
    x = backbone.stem(x)
    maps, kept = [], []
    for stage in backbone.stages:
        x = stage(x)
        maps.append(x)
        kept.append(x.detach().clone())
    for a, b in zip(maps, kept, strict=True):
        assert torch.equal(a, b), backbone.model_name
    sum(m.square().mean() for m in maps).backward()
    unused = [key for key, value in backbone.named_parameters()
              if value.grad is None]
    assert not unused, (backbone.model_name, unused)
