# Copyright (c) OpenMMLab. All rights reserved.
import pickle

import mmengine.dataset.sampler as engine_sampler
import numpy as np
import pytest
import torch
from mmengine.dataset import ConcatDataset, DefaultSampler, RepeatDataset
from torch.utils.data import DataLoader

from mmavs.datasets import AVSBenchMS3Dataset, ClipIndex, ClipSampler
from mmavs.datasets.transforms import ClipTransform
from mmavs.registry import DATA_SAMPLERS

from .layouts import write_ms3


class DrawNumbers(ClipTransform):
    """Two random steps, seen from outside."""

    def transform(self, results):
        first = self.rng(results).random()
        second = self.rng(results).random()
        return dict(idx=results['sample_idx'], numbers=(first, second),
                    key=results['aug_key'],
                    label_valid=list(results['label_valid']))


@pytest.fixture(scope='module')
def dataset(tmp_path_factory):
    root = write_ms3(tmp_path_factory.mktemp('ms3'))
    return AVSBenchMS3Dataset(data_root=str(root), split='val',
                              pipeline=[DrawNumbers()])


def _as_rank(monkeypatch, rank, world_size):
    monkeypatch.setattr(engine_sampler, 'get_dist_info',
                        lambda: (rank, world_size))


def _numbers(dataset, epochs, **loader):
    """What each clip drew in each epoch, through a real loader."""
    sampler = ClipSampler(dataset, seed=5)
    loader = DataLoader(dataset, sampler=sampler, collate_fn=list, **loader)
    drawn = {}
    for epoch in epochs:
        sampler.set_epoch(epoch)
        for batch in loader:
            for clip in batch:
                drawn[epoch, clip['idx']] = clip['numbers']
    return drawn


def test_clip_index_is_an_int_that_remembers():
    index = ClipIndex(7, seed=3, epoch=2, is_padding=True)
    for other in (pickle.loads(pickle.dumps(index)), index,
                  index % 9):
        assert (other, other.seed, other.epoch, other.is_padding) == (
            7, 3, 2, True)
    assert index - 2 == 5 and (index - 2).epoch == 2
    assert index % 4 == 3 and (index % 4).seed == 3
    assert np.arange(9)[index] == 7


def test_augmentation_depends_on_seed_epoch_and_clip_alone(dataset):
    one = _numbers(dataset, range(3), batch_size=1)
    assert len(set(one.values())) == len(one) == 9  # all different
    assert all(first != second for first, second in one.values())
    workers = _numbers(dataset, range(3), batch_size=2, num_workers=2,
                       persistent_workers=True)
    assert workers == one
    resumed = _numbers(dataset, [2], batch_size=3, num_workers=1)
    assert resumed == {key: one[key] for key in resumed} and resumed
    _ = torch.rand(3), np.random.rand(3)  # other random numbers in between
    assert _numbers(dataset, [1], batch_size=1)[1, 0] == one[1, 0]


def test_another_seed_is_another_augmentation(dataset):
    keys = [dataset[ClipIndex(1, seed=seed)]['numbers'] for seed in (0, 1)]
    assert keys[0] != keys[1]
    assert dataset[1]['key'] == (0, 0, 1)  # a plain index has seed 0, epoch 0


def test_wrapped_data_sets_hand_the_epoch_on(dataset):
    pair = ConcatDataset([dataset, dataset])
    repeated = RepeatDataset(dataset, times=2)
    for wrapped in (pair, repeated):
        clip = wrapped[ClipIndex(4, seed=9, epoch=6)]
        assert clip['key'] == (9, 6, 1)


@pytest.mark.parametrize('world_size', [1, 2, 3, 4])
@pytest.mark.parametrize('round_up', [True, False])
def test_processes_share_the_clips_of_the_default_sampler(
        monkeypatch, dataset, world_size, round_up):
    together, padding = [], []
    for rank in range(world_size):
        _as_rank(monkeypatch, rank, world_size)
        ours = DATA_SAMPLERS.build(dict(
            type='ClipSampler', dataset=dataset, seed=3, round_up=round_up))
        theirs = DefaultSampler(dataset, seed=3, round_up=round_up)
        for sampler in (ours, theirs):
            sampler.set_epoch(4)
        clips = list(ours)
        assert clips == list(theirs) and len(ours) == len(clips)
        assert {(clip.seed, clip.epoch) for clip in clips} <= {(3, 4)}
        together += [clip for clip in clips if not clip.is_padding]
        padding += [clip for clip in clips if clip.is_padding]
    assert sorted(together) == [0, 1, 2]
    expected = -len(dataset) % world_size if round_up else 0
    assert len(padding) == expected


def test_clips_that_only_fill_up_have_no_label_in_training(dataset):
    padding = ClipIndex(0, is_padding=True)
    assert not any(dataset[padding]['label_valid'])
    assert all(dataset[0]['label_valid'])
    dataset.test_mode = True
    assert all(dataset[padding]['label_valid'])
    dataset.test_mode = False


def test_the_epoch_is_that_of_the_call(dataset):
    sampler = ClipSampler(dataset, seed=0)
    clips = iter(sampler)
    sampler.set_epoch(8)
    assert next(clips).epoch == 0


def test_without_shuffling_clips_keep_their_order(dataset):
    assert list(ClipSampler(dataset, shuffle=False, seed=1)) == [0, 1, 2]
