# Copyright (c) OpenMMLab. All rights reserved.
import json
import os
import pickle

import numpy as np
import pytest
import torch

from mmavs.datasets import (
    AVSBenchDataset,
    AVSBenchMS3Dataset,
    AVSBenchS4Dataset,
    AVSBenchSemanticDataset,
    ClipError,
)
from mmavs.datasets.check import check_data_set, find_data_sets
from mmavs.datasets.classes import SEMANTIC_CLASSES, voc_palette
from mmavs.datasets.synthetic import write_synthetic
from mmavs.registry import DATASETS

from .layouts import write_avss, write_ms3, write_s4

LOAD = [dict(type='LoadClipFrames'), dict(type='LoadClipMasks'),
        dict(type='LoadClipAudio')]
PACK = [dict(type='LogMelSpectrogram'), dict(type='PackAVSInputs')]


@pytest.fixture(scope='module')
def s4(tmp_path_factory):
    return write_s4(tmp_path_factory.mktemp('s4'))


@pytest.fixture(scope='module')
def ms3(tmp_path_factory):
    return write_ms3(tmp_path_factory.mktemp('ms3'))


@pytest.fixture(scope='module')
def avss(tmp_path_factory):
    return write_avss(tmp_path_factory.mktemp('avss'))


def _files(info):
    paths = [*info['frame_paths'], *info['mask_paths'],
             info.get('audio_path'), info.get('log_mel_path')]
    return [path for path in paths if path is not None]


@pytest.mark.parametrize('inner', ['s4_data', 's4_data/s4_data', '.'])
def test_s4_in_every_layout(tmp_path, inner):
    write_s4(tmp_path, inner)
    for split, count, labelled in (('train', 2, 1), ('val', 3, 5)):
        dataset = DATASETS.build(dict(
            type='AVSBenchS4Dataset', data_root=str(tmp_path), split=split))
        assert len(dataset) == count
        info = dataset[0]
        assert all(os.path.isfile(path) for path in _files(info))
        assert info['label_valid'] == [True] * labelled + [False] * (
            5 - labelled)
        assert [path is not None for path in info['mask_paths']] == info[
            'label_valid']
        assert info['sound_kinds'] == [info['category']] == ['dog_barking']
        assert (info['subset'], info['num_seconds']) == ('v1s', 5)


def test_s4_packed_from_wav_and_from_pickles(s4):
    for audio_type in ('wav', 'log_mel'):
        dataset = AVSBenchS4Dataset(
            data_root=str(s4), split='train', audio_type=audio_type,
            pipeline=LOAD + PACK)
        clip = dataset[0]
        assert clip['inputs']['frames'].shape == (5, 3, 24, 20)
        assert clip['inputs']['frames'].dtype == torch.uint8
        assert clip['inputs']['log_mel'].shape == (5, 1, 1, 96, 64)
        sample = clip['data_samples']
        assert sample.gt_sem_seg[0].any() and not sample.gt_sem_seg[1:].any()
        assert sample.label_valid.tolist() == [True] + [False] * 4
        assert sample.clip_id == 'aaaaaaaaaaa'


def test_s4_with_jpg_frames(tmp_path):
    write_s4(tmp_path, suffix='.jpg')
    dataset = AVSBenchS4Dataset(data_root=str(tmp_path), img_suffix='.jpg',
                                pipeline=LOAD[:1])
    assert len(dataset[1]['frames']) == 5


@pytest.mark.parametrize('inner', ['ms3_data', 'ms3_data/ms3_data', '.'])
def test_ms3_in_every_layout(tmp_path, inner):
    write_ms3(tmp_path, inner)
    dataset = AVSBenchMS3Dataset(data_root=str(tmp_path), split='val')
    assert len(dataset) == 3 and all(dataset[0]['label_valid'])
    for info in dataset:
        assert all(os.path.isfile(path) for path in _files(info))
        assert info['subset'] == 'v1m' and info['category'] is None


def test_ms3_kinds_are_those_that_sound_in_any_second(ms3, tmp_path):
    train = AVSBenchMS3Dataset(data_root=str(ms3), split='train')
    assert [info['sound_kinds'] for info in train] == [
        ['bird', 'dog'], ['car']]
    plain = AVSBenchMS3Dataset(
        data_root=str(write_ms3(tmp_path, kinds=False)))
    assert plain[0]['sound_kinds'] is None


def test_ms3_kinds_must_fit(tmp_path):
    (tmp_path / 'ms3_meta_data.csv').write_text(
        'video_id,split,objects,sounding\na,train,dog|cat,1|0\n')
    with pytest.raises(ValueError, match="'a' has the objects"):
        AVSBenchMS3Dataset(data_root=str(tmp_path))


@pytest.mark.parametrize('doubled', [False, True])
@pytest.mark.parametrize('semantic', [False, True])
def test_semantic(tmp_path, doubled, semantic):
    write_avss(tmp_path, doubled, semantic)
    masks = [dict(type='LoadClipMasks', kind='semantic')]
    clips = []
    for split in ('train', 'val'):
        dataset = AVSBenchSemanticDataset(
            data_root=str(tmp_path), split=split,
            pipeline=LOAD[:1] + masks + LOAD[2:] + PACK)
        clips += [dataset[i] for i in range(len(dataset))]
    lengths = [len(clip['inputs']['frames']) for clip in clips]
    assert lengths == [5, 5, 10, 5, 10]
    assert [len(clip['inputs']['log_mel']) for clip in clips] == lengths
    labelled = [int(clip['data_samples'].label_valid.sum()) for clip in clips]
    assert labelled == [1, 5, 10, 5, 10]
    assert clips[2]['data_samples'].gt_sem_seg.max() > 50
    assert clips[1]['data_samples'].sound_kinds == ['emergency-car', 'man']
    assert clips[2]['data_samples'].sound_kinds == ['dog']


def test_semantic_labels_are_the_same_from_both_files(avss, tmp_path):
    write_avss(tmp_path, semantic=False)
    pipeline = [dict(type='LoadClipMasks', kind='semantic')]
    one = AVSBenchSemanticDataset(data_root=str(avss), pipeline=pipeline)
    two = AVSBenchSemanticDataset(data_root=str(tmp_path), pipeline=pipeline)
    assert 'labels_semantic' in one[1]['mask_paths'][0]
    assert 'labels_rgb' in two[1]['mask_paths'][0]
    for i in range(3):
        np.testing.assert_array_equal(one[i]['masks'], two[i]['masks'])


def test_semantic_subsets(avss):
    for subsets, count in (('v2', 1), (['v1s', 'v1m'], 2)):
        assert len(AVSBenchSemanticDataset(data_root=str(avss),
                                           subsets=subsets)) == count
    with pytest.raises(ValueError, match='subsets must be some of'):
        AVSBenchSemanticDataset(data_root=str(avss), subsets='v3')


def test_semantic_classes_come_from_the_json_if_it_is_there(avss, tmp_path):
    default = AVSBenchSemanticDataset(data_root=str(avss)).metainfo
    assert tuple(default['classes']) == SEMANTIC_CLASSES
    write_avss(tmp_path)
    (tmp_path / 'label2idx.json').write_text(
        json.dumps(dict(cat=2, background=0, dog=1)))
    meta = AVSBenchSemanticDataset(data_root=str(tmp_path)).metainfo
    assert tuple(meta['classes']) == ('background', 'dog', 'cat')
    assert meta['palette'] == [[0, 0, 0], [128, 0, 0], [0, 128, 0]]
    given = AVSBenchSemanticDataset(
        data_root=str(tmp_path), metainfo=dict(classes=('a', 'b'))).metainfo
    assert given['classes'] == ('a', 'b') and len(given['palette']) == 2
    for broken in ('[1]', '{"a": 0, "b": 0}', '{"a": "b"}', '{', '{}'):
        (tmp_path / 'label2idx.json').write_text(broken)
        with pytest.raises(ValueError, match='label2idx.json'):
            AVSBenchSemanticDataset(data_root=str(tmp_path))


def test_classes_and_palette():
    assert len(SEMANTIC_CLASSES) == len(set(SEMANTIC_CLASSES)) == 71
    assert list(SEMANTIC_CLASSES[1:]) == sorted(SEMANTIC_CLASSES[1:])
    palette = voc_palette(71)
    assert {k: tuple(palette[k]) for k in (0, 1, 2, 3, 4, 7, 8, 63, 64, 70)
            } == {0: (0, 0, 0), 1: (128, 0, 0), 2: (0, 128, 0),
                  3: (128, 128, 0), 4: (0, 0, 128), 7: (128, 128, 128),
                  8: (64, 0, 0), 63: (192, 192, 192), 64: (32, 0, 0),
                  70: (32, 128, 128)}
    assert len({tuple(colour) for colour in voc_palette(256)}) == 256


def test_indices_and_lazy_init(s4, tmp_path):
    kwargs = dict(data_root=str(s4), split='val')
    assert len(AVSBenchS4Dataset(indices=2, **kwargs)) == 2
    last = AVSBenchS4Dataset(indices=[2], **kwargs)
    assert last[0]['clip_id'] == 'eeeeeeeeeee'
    lazy = AVSBenchS4Dataset(data_root=str(tmp_path / 'none'),
                             lazy_init=True)
    with pytest.raises(FileNotFoundError, match='s4_meta_data.csv'):
        lazy.full_init()
    lazy = AVSBenchS4Dataset(lazy_init=True, **kwargs)
    assert not lazy._fully_initialized
    lazy.full_init()
    assert len(lazy) == 3


def test_swapped_sound_is_of_other_kinds(s4, ms3):
    s4_clips = AVSBenchS4Dataset(data_root=str(s4), split='val',
                                 audio_mode='swapped')
    donors = {clip['clip_id'][0]: clip['audio_clip_id'][0]
              for clip in s4_clips}
    # The next clip in the circle c (dog), d (dog), e (car) of another kind.
    assert donors == {'c': 'e', 'd': 'e', 'e': 'c'}
    for clip in s4_clips:
        assert clip['audio_clip_id'] in clip['audio_path']
        assert clip['clip_id'] in clip['frame_paths'][0]
        assert clip['audio_mode'] == 'true'
    first = AVSBenchS4Dataset(data_root=str(s4), split='val',
                              audio_mode='swapped', indices=1)
    assert first[0]['audio_clip_id'][0] == 'e'
    # m_2 dog, m_3 dog and bird, m_4 bird: nothing is left for m_3.
    with pytest.raises(ValueError, match="kinds than clip 'm_3'"):
        AVSBenchMS3Dataset(data_root=str(ms3), split='val',
                           audio_mode='swapped')


def test_swapped_without_known_kinds_takes_the_next_clip(tmp_path):
    write_ms3(tmp_path, kinds=False)
    clips = AVSBenchMS3Dataset(data_root=str(tmp_path), split='val',
                               audio_mode='swapped')
    assert [clip['audio_clip_id'] for clip in clips] == ['m_3', 'm_4', 'm_2']


def test_swapping_pickles(s4):
    clips = AVSBenchS4Dataset(data_root=str(s4), split='val',
                              audio_type='log_mel', audio_mode='swapped')
    assert all(clip['audio_clip_id'] in clip['log_mel_path']
               for clip in clips)


@pytest.mark.parametrize('kwargs, message', [
    (dict(split='dev'), 'split'), (dict(audio_type='mp3'), 'audio_type'),
    (dict(audio_mode='loud'), 'audio_mode'),
    (dict(audio_mode='noise:'), 'audio_mode'),
    (dict(audio_mode='noise:inf'), 'audio_mode'),
    (dict(audio_mode='noise:3', audio_type='log_mel'), 'needs audio_type'),
    (dict(split='test'), 'no clip for split')])
def test_wrong_arguments(s4, kwargs, message):
    with pytest.raises(ValueError, match=message):
        AVSBenchS4Dataset(data_root=str(s4), **kwargs)


def test_wrong_csv(tmp_path):
    csv = tmp_path / 's4_meta_data.csv'
    for text, message in (('id,split\na,train\n', 'columns'),
                          ('name,category,split\na,,train\n', 'row 2'),
                          ('name,category,split\na,b,train\na,b,train\n',
                           "'a' twice")):
        csv.write_text(text)
        with pytest.raises(ValueError, match=message):
            AVSBenchS4Dataset(data_root=str(tmp_path))
    with pytest.raises(FileNotFoundError, match='set data_root'):
        AVSBenchMS3Dataset(data_root=str(tmp_path))
    csv.rename(tmp_path / 'mine.csv')
    csv = tmp_path / 'mine.csv'
    csv.write_text('\ufeffname,category,split\na,b,train\n', encoding='utf-8')
    assert len(AVSBenchS4Dataset(data_root=str(tmp_path),
                                 ann_file='mine.csv')) == 1


@pytest.mark.parametrize('workers', [0, 1])
def test_a_missing_file_is_named_with_its_clip(tmp_path, workers):
    write_s4(tmp_path)
    dataset = AVSBenchS4Dataset(data_root=str(tmp_path), split='val',
                                pipeline=LOAD)
    path = dataset.get_data_info(1)['frame_paths'][3]
    os.remove(path)
    loader = torch.utils.data.DataLoader(
        dataset, num_workers=workers, collate_fn=list, sampler=[1])
    with pytest.raises(ClipError) as error:
        next(iter(loader))
    for part in ('ddddddddddd', path, 'is missing'):
        assert part in str(error.value)


def test_clip_errors_survive_pickling():
    error = ClipError('a', '/b.png', 'is broken')
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) == "clip 'a': /b.png: is broken"
    assert (again.clip_id, again.path) == ('a', '/b.png')


def test_a_data_set_must_list_its_clips(tmp_path):
    with pytest.raises(TypeError, match=r'must define load_clips\(\)'):
        AVSBenchDataset(data_root=str(tmp_path))


def test_the_synthetic_set_is_read_and_swapped(tmp_path):
    write_synthetic(tmp_path, num_train=1, num_val=8, num_test=1, size=64,
                    workers=1)
    for layout, root in find_data_sets(tmp_path).items():
        assert not check_data_set(root, layout).problems
    for kind, folder in ((AVSBenchS4Dataset, 'Single-source'),
                         (AVSBenchMS3Dataset, 'Multi-sources'),
                         (AVSBenchSemanticDataset, 'AVSS')):
        clips = kind(data_root=str(tmp_path / folder), split='val',
                     audio_mode='swapped')
        kinds = {clip['clip_id']: set(clip['sound_kinds']) for clip in clips}
        assert len(kinds) == 8
        for clip in clips:
            assert not kinds[clip['clip_id']] & kinds[clip['audio_clip_id']]


def test_realmix(shared_dir):
    root = str(shared_dir / 'media' / 'realmix')
    pipeline = LOAD + [dict(type='LogMelSpectrogram', framing='second',
                            log_offset=0.001), dict(type='PackAVSInputs')]
    kwargs = dict(data_root=root, img_suffix='.jpg', split='val')
    dataset = AVSBenchMS3Dataset(pipeline=pipeline, **kwargs)
    assert len(dataset) == 48
    assert len(AVSBenchMS3Dataset(data_root=root)) == 240
    sample = dataset[7]['data_samples']
    assert sample.gt_sem_seg.shape == (5, 224, 224)
    assert set(sample.gt_sem_seg.unique().tolist()) == {0, 1}
    semantic = AVSBenchMS3Dataset(
        mask_dir='gt_semantic', pipeline=[
            dict(type='LoadClipMasks', kind='index', num_classes=5)],
        **kwargs)
    np.testing.assert_array_equal(
        np.stack(semantic[7]['masks']) > 0, sample.gt_sem_seg.numpy() > 0)
    swapped = AVSBenchMS3Dataset(audio_mode='swapped', **kwargs)
    by_id = {clip['clip_id']: clip for clip in swapped}
    for clip in swapped:
        donor = by_id[clip['audio_clip_id']]
        assert not set(clip['sound_kinds']) & set(donor['sound_kinds'])
