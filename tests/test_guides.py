# Copyright (c) OpenMMLab. All rights reserved.
"""The advanced guides: what they show is written to files, and trains."""

import json
import os
import re
import subprocess
import sys

import pytest
import torch

from mmavs.datasets.synthetic import write_synthetic
from mmavs.registry import DATASETS, MODELS
from mmavs.structures import AVSDataSample
from mmavs.utils.config import build_runner, load_config
from mmavs.utils.example_inputs import example_batch

PROJECT = 'my_project'
BLOCK = re.compile(r'^```python\n# ([\w./]+\.py)\n(.*?)^```',
                   re.DOTALL | re.MULTILINE)
# guide: the config it makes, and the slot that holds its part
GUIDES = dict(
    add_fusion=('pool_fusion_tiny', 'early_fusion'),
    add_neck=('clip_gate_tiny', 'neck'),
    add_head=('dot_head_tiny', 'decode_head'),
    add_auxiliary_head=('presence_tiny', 'auxiliary_heads'),
    add_audio_encoder=('band_encoder_tiny', 'audio_encoder'),
    add_dataset=('folder_clips_tiny', None))
each_guide = pytest.mark.parametrize('name', GUIDES)


@pytest.fixture(scope='module')
def data_root(tmp_path_factory):
    root = tmp_path_factory.mktemp('data')
    write_synthetic(root, layouts=('ms3', ), num_train=4, num_val=1,
                    num_test=1, size=48, workers=0)
    return root / 'Multi-sources'


def forget_project():
    for registry in (MODELS, DATASETS):
        for name, cls in list(registry.module_dict.items()):
            if cls.__module__.startswith(PROJECT):
                del registry.module_dict[name]
    for name in list(sys.modules):
        if name.split('.')[0] == PROJECT:
            del sys.modules[name]


@pytest.fixture
def project(repo_dir, tmp_path, monkeypatch):
    """Write a guide's files to an empty folder, with Python at home there."""
    def write(name):
        text = (repo_dir / 'docs/en/advanced_guides' / f'{name}.md'
                ).read_text('utf-8')
        for path, code in BLOCK.findall(text):
            target = tmp_path / path
            target.parent.mkdir(exist_ok=True)
            # the guide's bases come with an installation; here the checkout
            target.write_text(code.replace(
                'mmavs::', f'{repo_dir.as_posix()}/configs/'))
        return tmp_path
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    yield write
    forget_project()


def small(cfg, data_root):
    """Two iterations of two clips in this process, then a validation."""
    for part in ('train', 'val', 'test'):
        loader = cfg[f'{part}_dataloader']
        loader.update(batch_size=2, num_workers=0, persistent_workers=False)
        if loader.dataset.data_root.startswith('data/'):
            loader.dataset.data_root = str(data_root)
        for step in loader.dataset.pipeline:
            if step['type'] in ('ResizeFrames', 'ResizeMasks'):
                step['size'] = 64
    cfg.train_cfg.max_epochs = 1
    cfg.default_hooks.logger.interval = 1
    return cfg


def test_all_guides_are_here(repo_dir):
    folder = repo_dir / 'docs' / 'en' / 'advanced_guides'
    assert {page.stem for page in folder.glob('add_*.md')} == set(GUIDES)


@each_guide
def test_guide_trains(name, project, data_root):
    folder, (config, slot) = project(name), GUIDES[name]
    if name == 'add_dataset':
        code = (folder / 'make_my_data.py').read_text()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, 'argv', ['x', str(data_root), 'my_data'])
            exec(compile(code, 'make_my_data.py', 'exec'), {})
    cfg = small(load_config(folder / f'{config}.py'), data_root)
    cfg.work_dir = str(folder / 'work')
    cfg.visualizer.name = name  # one of a name per process
    runner = build_runner(cfg)
    part = runner.model if slot is None else getattr(runner.model, slot)
    before = {k: v.detach().clone() for k, v in part.named_parameters()}
    runner.train()
    moved = [k for k, v in part.named_parameters()
             if not torch.equal(v, before[k])]
    assert moved and (slot is None or set(moved) == set(before))
    assert any(module.__module__.startswith(PROJECT) for module in (
        runner.train_dataloader.dataset, *runner.model.modules()))
    (scalars, ) = folder.glob('work/*/vis_data/scalars.json')
    lines = [json.loads(line) for line in scalars.read_text().splitlines()]
    assert sum('loss' in line for line in lines) == 2
    assert 'avsbench/J' in lines[-1]
    keys = dict(add_head='loss_kernel',
                add_auxiliary_head='presence.loss_presence')
    assert keys.get(name, 'loss') in lines[0]
    assert (folder / 'work' / 'epoch_1.pth').is_file()


@each_guide
def test_guide_keeps_the_rules(name, project):
    """Nothing passes from clip to clip or from padded seconds."""
    folder = project(name)
    cfg = load_config(folder / f'{GUIDES[name][0]}.py')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).eval()
    long = example_batch(cfg, 1, shape=[64], seconds=3, seed=1)
    short = example_batch(cfg, 1, shape=[64], seconds=2, seed=2)
    both = dict(
        inputs={k: v + short['inputs'][k]
                for k, v in long['inputs'].items()},
        data_samples=[AVSDataSample(metainfo=dict(mask_shape=(64, 64)))
                      for _ in range(2)])
    with torch.no_grad():
        alone = model.test_step(short)[0].seg_logits
        batched = model.test_step(both)[1].seg_logits
    assert alone.shape == (2, 1, 64, 64)
    torch.testing.assert_close(batched, alone, atol=1e-4, rtol=1e-3)


@pytest.mark.slow
def test_as_a_new_user_does(repo_dir, tmp_path, data_root):
    """The guide's own words: its files, its base, its command."""
    if not (repo_dir / 'mmavs' / '.mim').is_dir():
        pytest.skip('not installed: the guide inherits from mmavs::')
    page = repo_dir / 'docs/en/advanced_guides/add_fusion.md'
    for path, code in BLOCK.findall(page.read_text('utf-8')):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(code)
    options = ['train_cfg.max_epochs=1', *(
        f'{part}_dataloader.{key}' for part in ('train', 'val') for key in (
            'num_workers=0', 'persistent_workers=False',
            f'dataset.data_root={data_root}'))]
    done = subprocess.run(
        [sys.executable, '-m', 'mmavs.cli', 'train', 'pool_fusion_tiny.py',
         '--cfg-options', *options], cwd=tmp_path, text=True,
        capture_output=True, env=dict(os.environ, PYTHONPATH='.',
                                      OMP_NUM_THREADS='1'))
    assert done.returncode == 0, done.stderr[-3000:]
    weights = torch.load(
        tmp_path / 'work_dirs' / 'pool_fusion_tiny' / 'epoch_1.pth',
        weights_only=False)['state_dict']
    assert 'early_fusion.to_map.3.weight' in weights
