# Copyright (c) OpenMMLab. All rights reserved.
import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from .layouts import write_avss, write_ms3, write_s4

SHAPES = {  # config: (writer, clips per batch, frame side, mask side)
    'avsbench_s4_224': (write_s4, 4, 224, 224),
    'avsbench_s4_448': (write_s4, 4, 448, 224),
    'avsbench_ms3_448': (write_ms3, 4, 448, 224),
    'avsbench_avss_224': (write_avss, 1, 224, 224),
    'synthetic_s4': (write_s4, 4, 128, 128),
    'synthetic_ms3': (write_ms3, 4, 128, 128),
    'synthetic_avss': (write_avss, 4, 128, 128),
    'realmix': (write_ms3, 4, 224, 224),
    'realmix_semantic': (write_ms3, 4, 224, 224),
}


def test_every_config_is_listed(repo_dir):
    folder = repo_dir / 'configs' / '_base_' / 'datasets'
    assert {path.stem for path in folder.glob('*.py')} == set(SHAPES)


@pytest.mark.parametrize('name', SHAPES)
def test_configs_give_batches(repo_dir, tmp_path, name):
    write, clips, side, mask_side = SHAPES[name]
    write(tmp_path)
    cfg = Config.fromfile(
        repo_dir / 'configs' / '_base_' / 'datasets' / f'{name}.py')
    for split in ('train', 'val'):
        loader = cfg[f'{split}_dataloader']
        assert loader.batch_size == clips
        assert loader.num_workers == 2 and loader.persistent_workers
        loader.dataset.data_root = str(tmp_path)
        if 'realmix' in name:
            assert loader.dataset.pop('img_suffix') == '.jpg'
            loader.dataset.pop('mask_dir', None)
            for step in loader.dataset.pipeline:
                step.pop('num_classes', None)
                if step.type == 'LoadClipMasks':
                    step.kind = 'binary'
        loader.update(num_workers=0, persistent_workers=False)
        batch = next(iter(Runner.build_dataloader(loader, seed=0)))
        sample = batch['data_samples'][0]
        assert batch['inputs']['frames'][0].shape[-2:] == (side, side)
        assert sample.gt_sem_seg.shape[-2:] == (mask_side, mask_side)
        assert batch['inputs']['log_mel'][0].shape[1:] == (1, 1, 96, 64)
        assert len(sample.valid) == len(batch['inputs']['frames'][0])
    assert cfg.test_dataloader.dataset.test_mode
    assert cfg.val_evaluator == cfg.test_evaluator


@pytest.mark.parametrize('name', SHAPES)
def test_framing_and_offset(repo_dir, name):
    cfg = Config.fromfile(
        repo_dir / 'configs' / '_base_' / 'datasets' / f'{name}.py')
    for pipeline in (cfg.train_pipeline, cfg.test_pipeline):
        step = next(s for s in pipeline if s.type == 'LogMelSpectrogram')
        assert step.framing == ('clip' if 'avsbench' in name else 'second')
        assert step.get('log_offset') == (
            0.001 if 'realmix' in name else None)
    random = [step for step in cfg.train_pipeline if step.type.startswith(
        ('Random', 'ClipPhoto'))]
    assert bool(random) != ('avsbench' in name)
    assert not any(step.type.startswith(('Random', 'ClipPhoto'))
                   for step in cfg.test_pipeline)
