# Copyright (c) OpenMMLab. All rights reserved.
import json
import runpy
import statistics

import pytest
from mmengine.config import Config

from mmavs.utils.example_inputs import example_batch, example_shapes

TOOL = 'analysis_tools/benchmark.py'


def config(**changes):
    steps = [dict(type='ResizeFrames', size=96),
             dict(type='ResizeMasks', size=48),
             dict(type='LogMelSpectrogram', tokens_per_second=2)]
    return Config(dict(
        model=dict(data_preprocessor=dict(pad_to=10),
                   audio_encoder=dict(type='X')),
        test_dataloader=dict(dataset=dict(pipeline=steps)), **changes))


def test_clips_are_as_the_config_makes_them():
    cfg = config()
    assert example_shapes(cfg) == dict(
        frames=(10, 3, 96, 96), log_mel=(10, 2, 1, 96, 64))
    cfg.model.audio_encoder = None
    assert example_shapes(cfg, shape=[64, 32], seconds=3) == dict(
        frames=(3, 3, 64, 32), audio_embedding=(3, 2, 128))
    batch = example_batch(cfg, 2)
    assert [len(v) for v in batch['inputs'].values()] == [2, 2]
    assert batch['data_samples'][1].mask_shape == (48, 48)
    other = example_batch(cfg, 2, shape=[64])
    assert other['data_samples'][0].mask_shape == (64, 64)


def test_medians_by_hand(repo_dir):
    tool = runpy.run_path(str(repo_dir / 'tools' / TOOL), run_name='tool')
    times = [[1., 1., 9.], [2., 2., 2.], [4., 4., 4.]]
    assert tool['summarise'](times, 8, statistics.median) == dict(
        ms_per_batch=2000., fastest_ms=1000., slowest_ms=4000.,
        clips_per_second=4.)


def test_prediction(run_tool, tiny, tmp_path):
    done = run_tool(
        TOOL, 'predict', tiny.config, '--shape', 32, '--seconds', 2,
        '--batch-size', 2, '--num', 2, '--warmup', 1, '--repeat', 2,
        '--device', 'cpu', '--out', tmp_path / 'a.json')
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / 'a.json').read_text())
    assert found['frames'] == [2, 3, 32, 32] and found['batch_size'] == 2
    assert found['frames_per_second'] == pytest.approx(
        2 * found['clips_per_second'])
    assert found['fastest_ms'] <= found['ms_per_batch'] <= found['slowest_ms']
    assert found['peak_host_mb'] >= found['host_mb_before'] > 50
    assert 'median of 2 repeats of 2 batches' in done.stdout


def test_data_loader(run_tool, tiny):
    done = run_tool(TOOL, 'data', tiny.config, '--num', 3, '--repeat', 2,
                    '--warmup', 0)
    assert done.returncode == 0, done.stderr
    assert 'clips_per_second' in done.stdout
    done = run_tool(TOOL, 'data', tiny.config, '--cfg-options',
                    'train_dataloader.batch_size=99')
    assert done.returncode == 1 and 'batch 99' in done.stderr
