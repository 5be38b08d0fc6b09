# Copyright (c) OpenMMLab. All rights reserved.
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from .layouts import write_avss, write_ms3, write_s4

FOLDER = Path(__file__).parents[2] / 'configs' / '_base_' / 'datasets'
NAMES = sorted(path.stem for path in FOLDER.glob('*.py'))
WRITERS = dict(AVSBenchS4Dataset=write_s4, AVSBenchMS3Dataset=write_ms3,
               AVSBenchSemanticDataset=write_avss)
# As released: clips per batch, side of the frames, side of the masks.
SETTINGS = dict(
    avsbench_s4_224=(4, 224, 224), avsbench_s4_448=(4, 448, 224),
    avsbench_ms3_448=(4, 448, 224), avsbench_avss_224=(1, 224, 224))


def _load(name):
    return Config.fromfile(FOLDER / f'{name}.py')


def _fit_to_layout(loader, root):
    """Read what the tests' writers write, in this process."""
    dataset = loader.dataset
    dataset.data_root = str(root)
    dataset.pop('img_suffix', None)
    if dataset.pop('mask_dir', None):  # class masks, which MS3 has not
        for step in dataset.pipeline:
            if step.type == 'LoadClipMasks':
                step.kind = 'binary'
    loader.update(num_workers=0, persistent_workers=False)


@pytest.mark.parametrize('name', NAMES)
def test_configs_give_batches(tmp_path, name):
    cfg = _load(name)
    WRITERS[cfg.dataset_type](tmp_path)
    for split in ('train', 'val'):
        loader = cfg[f'{split}_dataloader']
        assert loader.num_workers == 2 and loader.persistent_workers
        _fit_to_layout(loader, tmp_path)
        batch = next(iter(Runner.build_dataloader(loader, seed=0)))
        sample = batch['data_samples'][0]
        frames = batch['inputs']['frames'][0]
        if name in SETTINGS:
            clips, side, mask_side = SETTINGS[name]
            assert loader.batch_size == clips
            assert frames.shape[-2:] == (side, side)
            assert sample.gt_sem_seg.shape[-2:] == (mask_side, mask_side)
        assert batch['inputs']['log_mel'][0].shape == (
            len(frames), 1, 1, 96, 64)
        assert len(sample.valid) == len(sample.label_valid) == len(frames)
    assert cfg.test_dataloader.dataset.test_mode
    assert cfg.val_evaluator == cfg.test_evaluator


@pytest.mark.parametrize('name', NAMES)
def test_framing_offset_and_augmentation(name):
    cfg = _load(name)
    for pipeline in (cfg.train_pipeline, cfg.test_pipeline):
        step = next(s for s in pipeline if s.type == 'LogMelSpectrogram')
        assert step.framing == ('clip' if name in SETTINGS else 'second')
        assert step.get('log_offset') == (
            0.001 if 'realmix' in name else None)

    def augments(pipeline):
        return any(step.type.startswith(('Random', 'ClipPhoto'))
                   for step in pipeline)

    assert not (name in SETTINGS and augments(cfg.train_pipeline))
    assert not augments(cfg.test_pipeline)
