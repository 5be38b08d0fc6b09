# Copyright (c) OpenMMLab. All rights reserved.
"""Every shipped config: it parses, builds, learns and predicts."""

import re
from copy import deepcopy

import pytest
import torch
from mmengine.registry import DefaultScope

from mmavs.registry import (
    DATASETS,
    HOOKS,
    LOOPS,
    METRICS,
    MODELS,
    OPTIM_WRAPPERS,
    OPTIMIZERS,
    TRANSFORMS,
)
from mmavs.structures import AVSDataSample

from .small_models import (
    ABLATIONS,
    CONFIGS,
    REPO,
    WIDTH,
    read_config,
    slow_unless,
    small_model,
)

# <method>_<backbone>_<setting>[_<what>]
NAME = re.compile(r'[a-z0-9-]+(_[a-z0-9-]+){2,3}')

each_config = pytest.mark.parametrize('name', CONFIGS)


def depth(path):
    """Levels of inheritance from a config file down to its last base."""
    found = re.search(r'_base_ = (\[[^]]*\]|\S+)', path.read_text())
    bases = re.findall(r"'([^']+)'", found[1]) if found else []
    return 1 + max((depth(path.parent / base) for base in bases), default=0)


def clip(num_classes, seconds=2, size=64):
    gen = torch.Generator().manual_seed(0)
    sample = AVSDataSample(metainfo=dict(mask_shape=(48, 48)))
    sample.gt_sem_seg = torch.randint(
        0, max(2, num_classes), (seconds, 48, 48), generator=gen).byte()
    return dict(
        inputs=dict(
            frames=[torch.randint(0, 256, (seconds, 3, size, size),
                                  generator=gen).byte()],
            audio_embedding=[torch.rand(seconds, 1, WIDTH, generator=gen)]),
        data_samples=[sample])


def test_there_are_configs():
    assert len(CONFIGS) >= 69


@each_config
def test_no_config_needs_to_find_unused_parameters(name):
    """Each trained parameter gets a gradient, see the small models below."""
    cfg = read_config(name)
    assert not cfg.get('find_unused_parameters')
    assert not (cfg.get('model_wrapper_cfg') or {}).get(
        'find_unused_parameters')


def variants(base):
    names = [name.removeprefix(ABLATIONS) for name in CONFIGS]
    return {name.removeprefix(base)[1:-3] for name in names
            if name.startswith(base + '_') and '/' not in name}


def test_every_ablation_is_there():
    on_s4 = variants('selm_pvt_s4')
    assert on_s4 == variants('selm_pvt_ms3') and len(on_s4) == 24
    on_avss = variants('selm_r50_avss')
    assert on_avss <= on_s4 and len(on_avss) == 7
    at_laptop_size = variants('selm_tiny_synthetic')
    assert at_laptop_size <= on_s4 | {'live-a2v', 'released-a2v'}
    assert len(at_laptop_size - {'live-a2v', 'released-a2v'}) == 11


def test_every_ablation_differs_from_its_base_and_is_listed():
    text = (REPO / 'configs' / ABLATIONS / 'README.md').read_text()
    seen = set()
    for name in CONFIGS:
        if name.startswith(ABLATIONS):
            cfg, stem = read_config(name), name.removeprefix(ABLATIONS)
            base = read_config(f'selm/{stem.rsplit("_", 1)[0]}.py')
            assert cfg.model != base.model
            for key in ('train_dataloader', 'optim_wrapper', 'train_cfg'):
                assert cfg[key] == base[key]
            assert f']({stem})' in text
            seen.add((str(base.filename), repr(cfg.model)))
    assert len(seen) == 66


@each_config
def test_name_and_inheritance(name):
    path = REPO / 'configs' / name
    assert NAME.fullmatch(path.stem), f'{name}: method_backbone_setting'
    assert depth(path) <= 4  # leaf, variant, base, shared part of a base


@each_config
def test_everything_it_names_exists(name):
    cfg = read_config(name)
    with DefaultScope.overwrite_default_scope('mmavs'):
        loaders = [cfg[f'{part}_dataloader'] for part in (
            'train', 'val', 'test')]
        for loader in loaders:
            assert DATASETS.get(loader.dataset.type)
            for step in loader.dataset.pipeline:
                assert TRANSFORMS.get(step['type'])
        for hook in cfg.default_hooks.values():
            assert hook is None or HOOKS.get(hook['type'])
        assert METRICS.get(cfg.val_evaluator['type'])
        assert OPTIM_WRAPPERS.get(cfg.optim_wrapper.type)
        assert OPTIMIZERS.get(cfg.optim_wrapper.optimizer.type)
        assert LOOPS.get(cfg.train_cfg.get('type', 'EpochBasedTrainLoop'))
    assert cfg.default_hooks.checkpoint.save_best == 'avsbench/J'
    assert cfg.default_scope == 'mmavs'


@pytest.mark.parametrize('name', [
    name for name in CONFIGS if f'{ABLATIONS}selm_pvt_s4' in name])
def test_it_builds_on_the_meta_device(name):
    with torch.device('meta'):
        model = small_model(name)
    assert next(model.parameters()).is_meta


# the ablations on S4 differ from those on MS3 in one doubling
@pytest.mark.parametrize('name', slow_unless(
    lambda name: '_s4_' not in name))
def test_small_model_learns_and_predicts(name):
    torch.manual_seed(0)
    model = small_model(name)
    num_classes = read_config(name).model.decode_head.get('num_classes', 1)
    model.train()
    batch = clip(num_classes)
    # two clips: BatchNorm needs more than one value per channel
    batch = {'inputs': {k: v * 2 for k, v in batch['inputs'].items()},
             'data_samples': deepcopy(batch['data_samples'] * 2)}
    losses = model(**model.data_preprocessor(batch, True), mode='loss')
    total, _ = model.parse_losses(losses)
    total.backward()
    assert total.isfinite() and total > 0
    without = [k for k, p in model.named_parameters()
               if p.requires_grad and p.grad is None]
    assert without == []

    model.eval()
    with torch.no_grad():
        batch = model.data_preprocessor(clip(num_classes), False)
        sample, = model(**batch, mode='predict')
    assert sample.pred_sem_seg.shape == (2, 48, 48)
    assert sample.pred_sem_seg.max() < max(2, num_classes)
    assert ('seg_logits' in sample) == (num_classes == 1)


@pytest.mark.parametrize('name', slow_unless(
    lambda name: name.endswith('_wo-clever.py') and '_s4_' not in name))
def test_true_size_on_the_meta_device(name):
    """Real backbone, real input: shapes only, nothing is computed."""
    cfg = read_config(name)
    model_cfg = deepcopy(cfg.model)
    model_cfg.audio_encoder.update(init_cfg=None, allow_random=True)
    size = next((step['size'] for step in
                 cfg.test_dataloader.dataset.pipeline
                 if step['type'] in ('ResizeFrames', 'AVSSCrop')), 224)
    seconds = model_cfg.data_preprocessor.get('pad_to') or 1
    with torch.device('meta'), torch.no_grad():
        model = MODELS.build(model_cfg).eval()
        outputs = model(dict(
            frames=torch.zeros(1, seconds, 3, size, size),
            log_mel=torch.zeros(1, seconds, 1, 1, 96, 64),
            valid=torch.ones(1, seconds, dtype=torch.bool)))
    classes = cfg.model.decode_head.get('num_classes', 1)
    assert outputs['logits'].shape[:2] == (seconds, classes)
    labels = next((step['size'] for step in
                   cfg.test_dataloader.dataset.pipeline
                   if step['type'] in ('ResizeMasks', 'AVSSCrop')), None)
    if name.startswith('selm/') and labels:
        assert outputs['logits'].shape[2:] == (labels, labels)
