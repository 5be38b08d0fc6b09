# Copyright (c) OpenMMLab. All rights reserved.
"""Data sets with broken clips: left out, reported, the same everywhere."""

import csv

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.evaluator import BaseMetric
from scipy.io import wavfile
from torch.utils.data import DataLoader

from mmavs.datasets import (
    AVSBenchMS3Dataset,
    ClipError,
    ClipIndex,
    ClipSampler,
)
from mmavs.registry import METRICS, MODELS
from tests.test_engine.toy import ToyModel, toy_runner

from .layouts import MS3_CLIPS, write_ms3

PIPELINE = [dict(type='LoadClipFrames'), dict(type='LoadClipMasks'),
            dict(type='LoadClipAudio'), dict(type='RandomGain'),
            dict(type='LogMelSpectrogram'), dict(type='PackAVSInputs')]
TRAIN, VAL = ([name for name, of, *_ in MS3_CLIPS if of == split]
              for split in ('train', 'val'))


@pytest.fixture
def root(tmp_path):
    return write_ms3(tmp_path / 'data')


def frame(root, name):
    return root / 'ms3_data/visual_frames' / name / f'{name}.mp4_3.png'


def wav(root, name, split='val'):
    return root / 'ms3_data/audio_wav' / split / f'{name}.wav'


def data_set(root, split='val', **options):
    return AVSBenchMS3Dataset(
        data_root=str(root), split=split, pipeline=PIPELINE,
        test_mode=split != 'train', **options)


def test_raise_is_the_default_and_names_the_file(root):
    frame(root, VAL[1]).unlink()
    dataset = data_set(root)
    assert dataset[0]['data_samples'].clip_id == VAL[0]
    with pytest.raises(ClipError, match=f'{VAL[1]}.mp4_3.png'):
        dataset[1]


def test_the_next_good_clip_stands_in_and_says_so(root):
    frame(root, VAL[1]).write_bytes(b'no picture')
    wav(root, VAL[2]).unlink()
    dataset = data_set(root, on_error='skip')
    good, first, second = (dataset[i]['data_samples'] for i in range(3))
    assert 'skipped' not in good
    assert first.sample_idx == second.sample_idx == good.sample_idx
    assert [clip for clip, *_ in first.skipped] == [VAL[1], VAL[2]]
    (clip, path, problem), = second.skipped
    assert (clip, path) == (VAL[2], str(wav(root, VAL[2])))
    assert 'is missing' in problem
    assert first.label_valid.all()  # the metrics count each clip once


def test_in_training_it_has_no_labels_and_its_own_augmentation(root):
    frame(root, TRAIN[0]).unlink()
    dataset = data_set(root, 'train', on_error='skip')
    index = ClipIndex(0, seed=3, epoch=5)
    stand_in = dataset[index]
    itself = dataset[ClipIndex(1, seed=3, epoch=5)]
    assert not stand_in['data_samples'].label_valid.any()
    assert itself['data_samples'].label_valid.all()
    assert torch.equal(stand_in['inputs']['log_mel'],
                       itself['inputs']['log_mel'])


def test_no_readable_clip_is_an_error(root):
    for name in VAL:
        frame(root, name).unlink()
    with pytest.raises(ClipError, match='any other of the 3 clips'):
        data_set(root, on_error='skip')[0]


def test_mistakes_of_the_config_are_not_skipped(root):
    dataset = data_set(root, on_error='skip')
    dataset.pipeline.transforms[2].sample_rate = 8000
    with pytest.raises(ValueError, match='16000'):
        dataset[0]
    with pytest.raises(ValueError, match="'raise' or 'skip'"):
        data_set(root, on_error='ignore')


@pytest.mark.parametrize('world', [1, 2])
def test_workers_and_processes_change_nothing(root, monkeypatch, world):
    frame(root, VAL[1]).unlink()
    dataset = data_set(root, on_error='skip')

    def run(workers):
        found = []
        for rank in range(world):
            monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info',
                                lambda rank=rank: (rank, world))
            sampler = ClipSampler(dataset, seed=0)
            found.append([
                (sample.clip_id, sample.get('skipped'))
                for batch in DataLoader(
                    dataset, sampler=sampler, num_workers=workers,
                    collate_fn=pseudo_collate)
                for sample in batch['data_samples']])
        return found

    plain = run(0)
    assert plain == run(2)
    assert len({len(part) for part in plain}) == 1
    clips = {clip for part in plain for clip, _ in part}
    assert clips == set(VAL) - {VAL[1]}


@pytest.mark.parametrize('seconds, is_odd', [
    (5, False), (4.6, False), (4.2, True), (6, True)])
def test_a_sound_of_another_length_is_used_and_noted(root, seconds, is_odd):
    rng = np.random.default_rng(0)
    samples = (rng.normal(size=round(seconds * 16000)) * 999).astype('<i2')
    wavfile.write(wav(root, VAL[0]), 16000, samples)
    clip = data_set(root)[0]
    assert clip['inputs']['log_mel'].shape == (5, 1, 1, 96, 64)
    assert ('audio_problem' in clip['data_samples']) == is_odd
    if is_odd:
        assert f'{seconds:.2f} s long' in clip['data_samples'].audio_problem


@MODELS.register_module(force=True)
class LabelledModel(ToyModel):
    """Counts the clips that have labels."""

    def forward(self, inputs, data_samples=None, mode='tensor'):
        if mode == 'loss':
            count = sum(s.label_valid.any() for s in data_samples)
            return dict(loss=count * self.head.weight.square().mean())
        return data_samples


@METRICS.register_module(force=True)
class ClipNames(BaseMetric):

    def process(self, data_batch, data_samples):
        self.results.extend(s['clip_id'] for s in data_samples)

    def compute_metrics(self, results):
        return {'toy/score': len(set(results))}


def test_the_report_names_clips_and_reasons(root, tmp_path):
    frame(root, TRAIN[0]).unlink()
    frame(root, VAL[1]).write_bytes(b'')
    wavfile.write(wav(root, VAL[2]), 16000, np.ones(16000, '<i2'))
    options = {}
    for part, split in (('train', 'train'), ('val', 'val')):
        options[f'{part}_dataloader'] = dict(
            batch_size=1, num_workers=1, sampler=dict(
                type='ClipSampler', shuffle=False),
            dataset=dict(type='AVSBenchMS3Dataset', data_root=str(root),
                         split=split, pipeline=PIPELINE, on_error='skip',
                         test_mode=split == 'val'))
    runner = toy_runner(tmp_path / 'work', **{
        'model.type': 'LabelledModel', 'train_cfg.max_epochs': 2,
        'val_evaluator': [dict(type='ClipNames', prefix='a')]}, **options)
    warnings = []
    runner.logger.warning = warnings.append
    runner.train()

    def rows(mode):
        with open(tmp_path / 'work' / f'clip_report_{mode}.csv') as file:
            return [tuple(row.values()) for row in csv.DictReader(file)]

    (what, clip, path, problem), = rows('train')
    assert (what, clip) == ('skipped', TRAIN[0])
    assert path == str(frame(root, TRAIN[0])) and 'missing' in problem
    skipped, sound = rows('val')
    assert skipped[:2] == ('skipped', VAL[1])
    assert sound[:2] == ('sound', VAL[2]) and '1.00 s long' in sound[3]
    said = '\n'.join(map(str, warnings))
    assert said.count('train: 1 clip(s) could not be read') == 2
    assert 'val: 1 clip(s) could not be read' in said and VAL[2] in said
