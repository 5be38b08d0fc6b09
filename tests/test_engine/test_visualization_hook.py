# Copyright (c) OpenMMLab. All rights reserved.
import wave
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from mmavs.engine.hooks.visualization_hook import AVSVisualizationHook
from mmavs.registry import HOOKS
from mmavs.structures import AVSDataSample


class Recorder:
    """A visualizer that remembers what it was asked to draw."""

    def __init__(self):
        self.calls = []

    def add_datasample(self, name, image, data_sample, **kwargs):
        self.calls.append((name, image, data_sample, kwargs))


class IdleRunner:
    """A runner that only tests: its iteration must not be asked for."""

    def __init__(self):
        self.visualizer = Recorder()

    @property
    def iter(self):
        raise AssertionError('this would build the training loop')


@pytest.fixture
def runner():
    return IdleRunner()


def batch(first, size=2, seconds=2):
    samples = [AVSDataSample(metainfo=dict(
        sample_idx=i, clip_id=f'dog/clip {i}')) for i in
        range(first, first + size)]
    inputs = dict(frames=[torch.full((seconds, 3, 4, 6), i, dtype=torch.uint8)
                          for i in range(first, first + size)],
                  log_mel=[torch.full((seconds, 1, 1, 96, 64), float(i))
                           for i in range(first, first + size)])
    return dict(inputs=inputs, data_samples=samples), samples


def feed(hook, runner, mode, num=8):
    getattr(hook, f'before_{mode}_epoch')(runner)
    for step, first in enumerate(range(0, num, 2)):
        data, outputs = batch(first)
        getattr(hook, f'after_{mode}_iter')(
            runner, step, data_batch=data, outputs=outputs)


def test_off_by_default(runner):
    feed(HOOKS.build(dict(type='AVSVisualizationHook')), runner, 'val')
    assert runner.visualizer.calls == []


def test_clips_are_chosen_by_their_number(runner):
    hook = AVSVisualizationHook(draw=True, interval=3)
    hook.after_train_iter(SimpleNamespace(iter=11), 0)
    feed(hook, runner, 'val')
    names = [call[0] for call in runner.visualizer.calls]
    assert names == [f'val_dog_clip_{i}' for i in (0, 3, 6)]
    _, image, sample, kwargs = runner.visualizer.calls[1]
    assert sample.sample_idx == 3 and kwargs['step'] == 12
    assert kwargs['out_file'] is None
    assert float(kwargs['log_mel'].mean()) == 3
    assert image[0].shape == (4, 6, 3) and (image[0] == 3).all()


def test_every_test_clip_goes_to_its_file(runner, tmp_path):
    hook = AVSVisualizationHook(draw=True, test_out_dir=tmp_path)
    feed(hook, runner, 'test')
    assert [call[3]['out_file'] for call in runner.visualizer.calls] == [
        tmp_path / f'dog_clip_{i}.png' for i in range(8)]


def test_number_of_clips_is_limited_per_run(runner):
    hook = AVSVisualizationHook(draw=True, interval=1, max_clips=3)
    feed(hook, runner, 'val')
    feed(hook, runner, 'val')
    numbers = [call[2].sample_idx for call in runner.visualizer.calls]
    assert numbers == [0, 1, 2, 0, 1, 2]


def test_original_frames_are_read_from_their_files(runner, tmp_path):
    paths = []
    for second in range(2):
        paths.append(str(tmp_path / f'{second}.png'))
        Image.fromarray(np.full((20, 30, 3), 50 + second, np.uint8)).save(
            paths[-1])
    data, outputs = batch(0, size=1)
    outputs[0].set_metainfo(dict(frame_paths=paths))
    AVSVisualizationHook(draw=True).after_val_iter(
        runner, 0, data_batch=data, outputs=outputs)
    image = runner.visualizer.calls[0][1]
    assert [(i.shape, i.mean()) for i in image] == [
        ((20, 30, 3), 50), ((20, 30, 3), 51)]


def test_the_sound_is_the_one_the_network_heard(runner, tmp_path):
    hook = AVSVisualizationHook(draw=True)
    path = tmp_path / 'a.wav'
    with wave.open(str(path), 'wb') as file:
        file.setparams((1, 2, 16000, 0, 'NONE', None))
        file.writeframes(np.full(32000, 16384, '<i2').tobytes())
    for mode, expected in (('true', 0.5), ('silence', None)):
        data, outputs = batch(0, size=1)
        outputs[0].set_metainfo(dict(audio_path=str(path), audio_mode=mode))
        hook.after_val_iter(runner, 0, data_batch=data, outputs=outputs)
        sound = runner.visualizer.calls[-1][3]['waveform']
        assert sound is None if expected is None else (
            len(sound) == 32000 and (sound == expected).all())
    data['inputs']['waveform'] = [torch.full((2, 8000), 0.25)]
    hook.after_val_iter(runner, 0, data_batch=data, outputs=outputs)
    kwargs = runner.visualizer.calls[-1][3]
    assert kwargs['sample_rate'] == 8000 and len(kwargs['waveform']) == 16000


def test_errors_say_what_to_do(runner):
    with pytest.raises(ValueError, match='interval'):
        AVSVisualizationHook(interval=0)
    data, outputs = batch(0, size=1)
    del data['inputs']['frames']
    with pytest.raises(ValueError, match='frame_paths to meta_keys'):
        AVSVisualizationHook(draw=True).after_val_iter(
            runner, 0, data_batch=data, outputs=outputs)
