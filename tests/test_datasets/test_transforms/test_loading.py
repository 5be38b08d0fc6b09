# Copyright (c) OpenMMLab. All rights reserved.
import math
import pickle

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import wavfile

from mmavs.datasets import ClipError
from mmavs.datasets.classes import voc_palette
from mmavs.datasets.transforms import (
    LoadClipAudio,
    LoadClipFrames,
    LoadClipMasks,
)
from mmavs.registry import TRANSFORMS


def _save(path, array, **options):
    Image.fromarray(np.asarray(array, np.uint8)).save(path, **options)
    return str(path)


def _clip(**values):
    return dict(clip_id='clip-7', num_seconds=2, **values)


def test_frames_become_rgb(tmp_path):
    grey = _save(tmp_path / 'grey.png', np.full((3, 4), 9))
    alpha = _save(tmp_path / 'alpha.png', np.full((3, 4, 4), 7))
    results = TRANSFORMS.build(dict(type='LoadClipFrames'))(
        _clip(frame_paths=[grey, alpha]))
    assert [frame.shape for frame in results['frames']] == [(3, 4, 3)] * 2
    assert results['ori_shape'] == results['img_shape'] == (3, 4)
    assert results['valid'].tolist() == [True, True]
    assert (results['frames'][0] == 9).all()


@pytest.mark.parametrize('content', [
    b'', b'no picture', b'\x89PNG\r\n\x1a\n' + b'\0' * 50, 'cut'])
def test_broken_frames_are_named(tmp_path, content):
    path = tmp_path / 'a.png'
    _save(path, np.random.default_rng(0).integers(0, 255, (64, 64, 3)))
    path.write_bytes(path.read_bytes()[:900] if content == 'cut' else content)
    with pytest.raises(ClipError, match=r"'clip-7'.*a\.png: cannot be"):
        LoadClipFrames()(_clip(frame_paths=[str(path)]))


def test_missing_and_unequal_frames_are_named(tmp_path):
    with pytest.raises(ClipError, match='check_avsbench.py'):
        LoadClipFrames()(_clip(frame_paths=[str(tmp_path / 'none.png')]))
    paths = [_save(tmp_path / 'a.png', np.zeros((3, 4, 3))),
             _save(tmp_path / 'b.png', np.zeros((4, 4, 3)))]
    with pytest.raises(ClipError, match=r'b\.png: is \(4, 4\)'):
        LoadClipFrames()(_clip(frame_paths=paths))


def test_binary_masks_from_every_mode(tmp_path):
    truth = np.array([[0, 1], [1, 0]])
    images = [Image.fromarray((truth * 255).astype(np.uint8))]
    images += [images[0].convert(mode) for mode in ('1', 'P', 'RGB', 'RGBA')]
    paths = []
    for k, image in enumerate(images):
        paths.append(str(tmp_path / f'{k}.png'))
        image.save(paths[-1])
    results = LoadClipMasks()(_clip(mask_paths=paths,
                                    label_valid=[True] * 5))
    for mask in results['masks']:
        assert mask.dtype == np.uint8
        np.testing.assert_array_equal(mask, truth)
    assert results['mask_shape'] == (2, 2)


def test_the_threshold_of_binary_masks(tmp_path):
    path = _save(tmp_path / 'a.png', [[0, 127, 128, 255]])
    masks = LoadClipMasks()(_clip(mask_paths=[path], label_valid=[True]))
    assert masks['masks'][0].tolist() == [[0, 0, 1, 1]]


def test_colours_and_indices_agree(tmp_path):
    index = np.random.default_rng(0).integers(0, 71, (16, 20))
    colours = np.array(voc_palette(71))[index]
    grey = _save(tmp_path / 'index.png', index)
    rgb = _save(tmp_path / 'rgb.png', colours)
    palette = Image.fromarray(index.astype(np.uint8)).convert('P')
    palette.save(tmp_path / 'p.png')
    for kind, path in (('index', grey), ('semantic', grey), ('rgb', rgb),
                       ('semantic', rgb),
                       ('semantic', str(tmp_path / 'p.png'))):
        results = LoadClipMasks(kind)(_clip(mask_paths=[path],
                                            label_valid=[True]))
        np.testing.assert_array_equal(results['masks'][0], index)


def test_a_colour_of_no_class_is_background(tmp_path):
    path = _save(tmp_path / 'a.png',
                 [[[1, 2, 3], [128, 0, 0], [255, 255, 255]]])
    results = LoadClipMasks('rgb')(_clip(mask_paths=[path],
                                         label_valid=[True]))
    assert results['masks'][0].tolist() == [[0, 1, 0]]


def test_masks_that_do_not_fit_are_refused(tmp_path):
    index = _save(tmp_path / 'a.png', [[0, 5]])
    rgb = _save(tmp_path / 'b.png', np.zeros((1, 2, 3)))
    for transform, path, message in (
            (LoadClipMasks('index', num_classes=5), index, 'class index 5'),
            (LoadClipMasks('index'), rgb, 'holds colours'),
            (LoadClipMasks(), str(tmp_path / 'none.png'), 'is missing')):
        with pytest.raises(ClipError, match=message):
            transform(_clip(mask_paths=[path], label_valid=[True]))
    with pytest.raises(ValueError, match='kind'):
        LoadClipMasks('colour')
    with pytest.raises(ValueError, match='num_classes'):
        LoadClipMasks('rgb', num_classes=300)


def test_seconds_without_a_label_have_empty_masks(tmp_path):
    path = _save(tmp_path / 'a.png', np.full((3, 4), 255))
    results = LoadClipMasks()(_clip(mask_paths=[path, None],
                                    label_valid=[True, False]))
    assert results['masks'][0].all() and not results['masks'][1].any()
    assert results['label_valid'].tolist() == [True, False]
    results = LoadClipMasks()(_clip(mask_paths=[None, None],
                                    label_valid=[False] * 2,
                                    ori_shape=(5, 6)))
    assert [mask.shape for mask in results['masks']] == [(5, 6)] * 2
    with pytest.raises(KeyError, match='LoadClipFrames'):
        LoadClipMasks()(_clip(mask_paths=[None], label_valid=[False]))


@pytest.fixture
def wav(tmp_path):
    noise = np.random.default_rng(0).normal(size=(3 * 22050, 2)) * 3000
    wavfile.write(tmp_path / 'a.wav', 22050, noise.astype(np.int16))
    return str(tmp_path / 'a.wav')


def test_sound_is_mono_and_no_longer_than_the_clip(wav):
    results = LoadClipAudio()(_clip(audio_path=wav))
    assert results['waveform'].shape == (32000,)
    assert results['waveform'].dtype == np.float32
    assert results['sample_rate'] == 16000
    slow = LoadClipAudio(sample_rate=8000)(_clip(audio_path=wav))
    assert slow['waveform'].shape == (16000,)


def test_silence_needs_no_file():
    results = LoadClipAudio()(_clip(audio_path='/none.wav',
                                    audio_mode='silence'))
    assert results['waveform'].shape == (32000,)
    assert not results['waveform'].any()
    results = LoadClipAudio()(_clip(log_mel_path='/none.pkl',
                                    audio_mode='silence'))
    np.testing.assert_allclose(results['log_mel'], math.log(0.01), rtol=1e-6)
    assert results['log_mel'].shape == (2, 1, 1, 96, 64)


def test_noise_belongs_to_the_clip(wav):
    def load(clip_id, mode):
        return LoadClipAudio()(dict(
            clip_id=clip_id, num_seconds=2, audio_path=wav,
            audio_mode=mode))['waveform']

    clean = load('a', 'true')
    noisy = load('a', 'noise:6')
    np.testing.assert_array_equal(noisy, load('a', 'noise:6'))
    assert np.abs(noisy - load('b', 'noise:6')).max() > 1e-3
    ratio = (clean**2).mean() / ((noisy - clean)**2).mean()
    assert 10 * np.log10(ratio) == pytest.approx(6, abs=0.01)
    weaker = load('a', 'noise:26') - clean
    np.testing.assert_allclose(weaker, (noisy - clean) / 10, atol=1e-6)


def test_missing_sound_is_an_error_or_silence(tmp_path):
    for key in ('audio_path', 'log_mel_path'):
        clip = _clip(**{key: str(tmp_path / 'none')})
        with pytest.raises(ClipError, match='on_missing="silence"'):
            LoadClipAudio()(dict(clip))
        results = LoadClipAudio(on_missing='silence')(dict(clip))
        assert len(np.unique(results.get('waveform',
                                         results.get('log_mel')))) == 1
    with pytest.raises(KeyError, match='audio_path'):
        LoadClipAudio()(_clip())
    with pytest.raises(ValueError, match='on_missing'):
        LoadClipAudio(on_missing='ignore')


def test_broken_sound_is_an_error_even_where_silence_will_do(tmp_path):
    broken = tmp_path / 'a.wav'
    broken.write_bytes(b'RIFF')
    wavfile.write(tmp_path / 'empty.wav', 16000, np.zeros(0, np.int16))
    for name, message in (('a.wav', 'not a RIFF'), ('empty.wav',
                                                    'no sound')):
        with pytest.raises(ClipError, match=message) as error:
            LoadClipAudio(on_missing='silence')(
                _clip(audio_path=str(tmp_path / name)))
        assert str(error.value).count(name) == 1


def test_pickled_log_mels(tmp_path):
    path = tmp_path / 'a.pkl'

    def load(tensor, **values):
        path.write_bytes(pickle.dumps(tensor))
        return LoadClipAudio()(_clip(log_mel_path=str(path), **values))

    tensor = torch.rand(2, 1, 96, 64, dtype=torch.float64)
    loaded = load(tensor)['log_mel']
    assert loaded.shape == (2, 1, 1, 96, 64) and loaded.dtype == np.float32
    np.testing.assert_allclose(loaded[:, 0], tensor.numpy(), rtol=1e-6)
    for bad, message in ((torch.rand(3, 1, 96, 64), 'shape'),
                         (torch.full((2, 1, 96, 64), math.nan), 'finite'),
                         ([1], 'not a pickled tensor')):
        with pytest.raises(ClipError, match=message):
            load(bad)
    with pytest.raises(ValueError, match='needs audio_type="wav"'):
        load(tensor, audio_mode='noise:3')
