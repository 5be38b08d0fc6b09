# Copyright (c) OpenMMLab. All rights reserved.
"""Tiny data sets in AVSBench's layouts, written by the tests."""

import csv
import pickle

import numpy as np
import torch
from PIL import Image
from scipy.io import wavfile

from mmavs.datasets.classes import voc_palette

S4_CLIPS = [('aaaaaaaaaaa', 'dog_barking', 'train'),
            ('bbbbbbbbbbb', 'race_car', 'train'),
            ('ccccccccccc', 'dog_barking', 'val'),
            ('ddddddddddd', 'dog_barking', 'val'),
            ('eeeeeeeeeee', 'race_car', 'val')]
MS3_CLIPS = [('m_0', 'train', 'dog|bird', '10|11|00|10|10'),
             ('m_1', 'train', 'dog|car', '01|01|01|01|01'),
             ('m_2', 'val', 'dog|bird', '10|10|10|10|10'),
             ('m_3', 'val', 'dog|bird', '11|11|11|11|11'),
             ('m_4', 'val', 'bird|car', '00|00|10|00|00')]
AVSS_CLIPS = [('v1s', 's_0', 'train', 'dog'), ('v1m', 'm_0', 'train',
                                               'emergency-car_man'),
              ('v2', 'l_0', 'train', 'dog_background'),
              ('v1s', 's_1', 'val', 'cat'), ('v2', 'l_1', 'val', 'dog_cat')]


def _rng(name):
    return np.random.default_rng(list(name.encode()))


def _image(path, name, size=(24, 20)):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = _rng(name).integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def _mask(path, name, size=(24, 20)):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = _rng(name).integers(0, 2, size, dtype=np.uint8) * 255
    Image.fromarray(pixels).save(path)


def _sound(path, name, seconds=5, rate=16000):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = _rng(name).normal(size=rate * seconds) * 3000
    wavfile.write(path, rate, noise.astype(np.int16))


def _table(path, header, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, 'w', newline='', encoding='utf-8') as f:
        csv.writer(f).writerows([header, *rows])


def write_s4(root, inner='s4_data', suffix='.png'):
    """Write S4; ``inner`` may be 's4_data/s4_data'."""
    _table(root / 's4_meta_data.csv', ['name', 'start', 'category', 'split'],
           [[name, 0, kind, split] for name, kind, split in S4_CLIPS])
    for name, kind, split in S4_CLIPS:
        place = root / inner
        for k in range(1, 6):
            file = f'{split}/{kind}/{name}/{name}_{k}'
            _image(place / 'visual_frames' / f'{file}{suffix}', file)
            if split != 'train' or k == 1:
                _mask(place / 'gt_masks' / f'{file}.png', file)
        file = f'{split}/{kind}/{name}'
        _sound(place / 'audio_wav' / f'{file}.wav', name)
        log_mel = place / 'audio_log_mel' / f'{file}.pkl'
        log_mel.parent.mkdir(parents=True, exist_ok=True)
        values = _rng(name).normal(size=(5, 1, 96, 64)).astype(np.float32)
        with open(log_mel, 'wb') as f:
            pickle.dump(torch.from_numpy(values).requires_grad_(), f)
    return root


def write_ms3(root, inner='ms3_data', suffix='.png', kinds=True):
    """Write MS3, with or without the columns that name the kinds."""
    header = ['video_id', 'split', 'objects', 'sounding']
    columns = 4 if kinds else 2
    _table(root / 'ms3_meta_data.csv', header[:columns],
           [row[:columns] for row in MS3_CLIPS])
    for name, split, *_ in MS3_CLIPS:
        place = root / inner
        for k in range(1, 6):
            _image(place / 'visual_frames' / name
                   / f'{name}.mp4_{k}{suffix}', f'{name}{k}')
            _mask(place / 'gt_masks' / split / name / f'{name}_{k}.png',
                  f'{name}{k}')
        _sound(place / 'audio_wav' / split / f'{name}.wav', name)
    return root


def write_avss(root, doubled=False, semantic=True):
    """Write AVSS; ``semantic=False`` leaves only the coloured labels."""
    _table(root / 'metadata.csv',
           ['vid', 'uid', 's_min', 's_sec', 'a_obj', 'split', 'label'],
           [[uid, uid, 0, 0, names, split, label]
            for label, uid, split, names in AVSS_CLIPS])
    palette = np.array(voc_palette(71), np.uint8)
    for label, uid, split, _ in AVSS_CLIPS:
        folder = root / label / (label if doubled else '') / uid
        seconds = 10 if label == 'v2' else 5
        for k in range(seconds):
            _image(folder / 'frames' / f'{k}.jpg', f'{uid}{k}')
            if label == 'v1s' and split == 'train' and k:
                continue
            index = _rng(f'{uid}{k}').integers(0, 71, (24, 20), np.uint8)
            for name, pixels in (('labels_semantic', index),
                                 ('labels_rgb', palette[index])):
                if name == 'labels_rgb' or semantic:
                    (folder / name).mkdir(exist_ok=True)
                    Image.fromarray(pixels).save(folder / name / f'{k}.png')
        _sound(folder / 'audio.wav', uid, seconds)
    return root
