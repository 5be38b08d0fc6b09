# Copyright (c) OpenMMLab. All rights reserved.
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mmavs.audio import log_mel_spectrogram
from mmavs.datasets import transforms as T
from mmavs.registry import TRANSFORMS


def _clip(size=(6, 8), seconds=3, key=(0, 0, 0)):
    rng = np.random.default_rng(1)
    return dict(
        clip_id='a', num_seconds=seconds, aug_key=key, sample_rate=16000,
        frames=[rng.integers(0, 256, (*size, 3), dtype=np.uint8)
                for _ in range(seconds)],
        masks=[rng.integers(0, 2, size, dtype=np.uint8)
               for _ in range(seconds)],
        waveform=rng.normal(size=16000 * seconds).astype(np.float32) * 0.1)


def _copy(clip):
    return {key: list(value) if isinstance(value, list) else value
            for key, value in clip.items()}


RANDOM = [T.RandomClipFlip(), T.ClipPhotometricJitter(), T.RandomGain(),
          T.RandomNoise(prob=1.0), T.RandomTimeShift(prob=1.0)]
ALL = RANDOM + [T.ResizeFrames(4), T.ResizeMasks(4), T.AVSSCrop(4),
                T.LogMelSpectrogram(), T.PackAVSInputs(
                    collect_keys=('frames', 'waveform')),
                T.LoadClipAudio(), T.LoadClipFrames(), T.LoadClipMasks()]


@pytest.mark.parametrize('transform', ALL, ids=lambda t: type(t).__name__)
def test_registered_and_printable(transform):
    assert TRANSFORMS.get(type(transform).__name__) is type(transform)
    assert repr(transform).startswith(type(transform).__name__ + '(')


@pytest.mark.parametrize('transform', RANDOM, ids=lambda t: type(t).__name__)
def test_random_steps_depend_on_the_key_alone(transform):
    def run(key):
        out = transform(_clip(key=key))
        return np.concatenate([np.ravel(out['frames']).astype(np.float32),
                               out['waveform']])

    same = [run((3, 1, 2)) for _ in range(2)]
    np.testing.assert_array_equal(*same)
    others = [run(key) for key in ((4, 1, 2), (3, 2, 2), (3, 1, 3),
                                   (7, 7, 7), (8, 8, 8), (9, 9, 9))]
    assert any((other != same[0]).any() for other in others)


@pytest.mark.parametrize('transform', RANDOM, ids=lambda t: type(t).__name__)
def test_probability_zero_changes_nothing(transform):
    clip = _clip()
    off = type(transform)(prob=0.0)(_copy(clip))
    np.testing.assert_array_equal(off['frames'], clip['frames'])
    np.testing.assert_array_equal(off['waveform'], clip['waveform'])
    with pytest.raises(ValueError, match='prob'):
        type(transform)(prob=1.5)


@pytest.mark.parametrize('transform', [*RANDOM, T.ResizeFrames(4),
                                       T.ResizeMasks(4), T.AVSSCrop(4),
                                       T.LogMelSpectrogram()],
                         ids=lambda t: type(t).__name__)
def test_what_is_missing_in_a_pipeline_is_named(transform):
    with pytest.raises(KeyError, match='put LoadClip'):
        transform(dict(clip_id='a', num_seconds=1))


def test_flip_mirrors_frames_and_masks_together():
    clip = _clip()
    out = T.RandomClipFlip(prob=1.0)(_copy(clip))
    assert out['flip'] is True
    for key in ('frames', 'masks'):
        for before, after in zip(clip[key], out[key]):
            np.testing.assert_array_equal(after, before[:, ::-1])


def test_jitter_is_the_same_for_all_frames_and_leaves_masks():
    clip = _clip(seconds=2)
    clip['frames'][1] = clip['frames'][0]
    out = T.ClipPhotometricJitter()(_copy(clip))
    np.testing.assert_array_equal(out['frames'][0], out['frames'][1])
    assert (out['frames'][0] != clip['frames'][0]).any()
    np.testing.assert_array_equal(out['masks'], clip['masks'])
    none = T.ClipPhotometricJitter(brightness=0, contrast=0, saturation=0,
                                   hue=0)(_copy(clip))
    difference = np.subtract(none['frames'], clip['frames'], dtype=int)
    assert np.abs(difference).max() <= 1
    with pytest.raises(ValueError, match='hue'):
        T.ClipPhotometricJitter(hue=0.6)


@settings(max_examples=40, deadline=None)
@given(st.tuples(st.integers(1, 40), st.integers(1, 40)),
       st.tuples(st.integers(1, 40), st.integers(1, 40)))
def test_resizing_is_pillows(size, target):
    clip = _clip(size, seconds=1)
    out = T.ResizeMasks(target)(T.ResizeFrames(target)(_copy(clip)))
    width_height = target[::-1]
    np.testing.assert_array_equal(out['frames'][0], np.asarray(
        Image.fromarray(clip['frames'][0]).resize(
            width_height, Image.Resampling.BILINEAR)))
    np.testing.assert_array_equal(out['masks'][0], np.asarray(
        Image.fromarray(clip['masks'][0]).resize(
            width_height, Image.Resampling.NEAREST)))
    assert out['img_shape'] == out['mask_shape'] == target


def test_resizing_frames_leaves_masks_alone():
    clip = _clip()
    out = T.ResizeFrames(12)(_copy(clip))
    assert out['frames'][0].shape == (12, 12, 3)
    assert out['masks'][0].shape == (6, 8)
    for size in (0, (1, 2, 3), 'a', (2.5, 3)):
        with pytest.raises(ValueError, match='size must be'):
            T.ResizeFrames(size)


@settings(max_examples=30, deadline=None)
@given(st.integers(8, 400), st.integers(8, 400), st.sampled_from([16, 224]))
def test_avss_crop_is_the_official_one(height, width, side):
    torchvision = pytest.importorskip('torchvision.transforms.functional')
    clip = _clip((height, width), seconds=1)
    out = T.AVSSCrop(side)(_copy(clip))
    frame = torchvision.center_crop(torchvision.resize(
        Image.fromarray(clip['frames'][0]), side), side)
    np.testing.assert_array_equal(out['frames'][0], np.asarray(frame))
    mask = torchvision.center_crop(torchvision.resize(
        Image.fromarray(clip['masks'][0]), side,
        torchvision.InterpolationMode.NEAREST), side)
    np.testing.assert_array_equal(out['masks'][0], np.asarray(mask))
    assert out['img_shape'] == out['mask_shape'] == (side, side)
    test = T.AVSSCrop(side, training=False)(_copy(clip))
    np.testing.assert_array_equal(
        test['frames'][0], T.ResizeFrames(side)(_copy(clip))['frames'][0])
    with pytest.raises(ValueError, match='squares'):
        T.AVSSCrop((3, 4))


def test_gain_is_within_its_range():
    clip = _clip()
    out = T.RandomGain(gain_db=(6, 6))(_copy(clip))
    np.testing.assert_allclose(out['waveform'],
                               clip['waveform'] * 10**0.3, rtol=1e-5)
    assert out['waveform'].dtype == np.float32
    with pytest.raises(ValueError, match='gain_db'):
        T.RandomGain(gain_db=(3, -3))


def test_noise_has_a_ratio_in_its_range():
    clip = _clip()
    out = T.RandomNoise(snr_db=(9, 11), prob=1.0)(_copy(clip))
    added = out['waveform'] - clip['waveform']
    ratio = 10 * np.log10((clip['waveform']**2).mean() / (added**2).mean())
    assert 8.9 < ratio < 11.1
    clip['waveform'] = np.zeros_like(clip['waveform'])
    assert not T.RandomNoise(prob=1.0)(clip)['waveform'].any()


def test_time_shift_stays_within_each_second():
    clip = _clip()
    clip['waveform'] = clip['waveform'][:40000]  # the last one is shorter
    out = T.RandomTimeShift(max_shift=0.5, prob=1.0)(_copy(clip))
    assert (out['waveform'] != clip['waveform']).any()
    for start in (0, 16000, 32000):
        np.testing.assert_array_equal(
            np.sort(out['waveform'][start:start + 16000]),
            np.sort(clip['waveform'][start:start + 16000]))
    with pytest.raises(ValueError, match='max_shift'):
        T.RandomTimeShift(max_shift=2)


@pytest.mark.parametrize('framing', ['clip', 'second'])
def test_log_mel_is_the_function(framing):
    clip = _clip()
    out = T.LogMelSpectrogram(framing=framing, tokens_per_second=2,
                              log_offset=0.001, pad='zero')(_copy(clip))
    expected = log_mel_spectrogram(
        torch.from_numpy(clip['waveform']), num_seconds=3, framing=framing,
        tokens_per_second=2, log_offset=0.001, pad='zero')
    np.testing.assert_array_equal(out['log_mel'], expected.numpy())


def test_log_mel_from_a_pickle_stays():
    pickled = np.ones((3, 1, 1, 96, 64), np.float32)
    out = T.LogMelSpectrogram()(dict(log_mel=pickled, num_seconds=3))
    assert out['log_mel'] is pickled
    with pytest.raises(ValueError, match='audio_type="wav"'):
        T.LogMelSpectrogram(tokens_per_second=2)(dict(log_mel=pickled))


@pytest.mark.parametrize('kwargs', [
    dict(framing='a'), dict(pad='a'), dict(tokens_per_second=7),
    dict(log_offset=0)])
def test_wrong_log_mel_arguments(kwargs):
    with pytest.raises(ValueError, match=next(iter(kwargs))):
        T.LogMelSpectrogram(**kwargs)


def test_log_mel_wants_16_khz():
    clip = _clip()
    clip['sample_rate'] = 8000
    with pytest.raises(ValueError, match='16000 Hz'):
        T.LogMelSpectrogram()(clip)


def test_packing():
    clip = _clip()
    clip.update(valid=np.ones(3, bool), sample_idx=4, ori_shape=(6, 8),
                label_valid=np.array([True, False, True]),
                audio_embedding=np.ones((3, 1, 5), np.float32))
    clip['waveform'] = clip['waveform'][:40000]
    clip = T.LogMelSpectrogram()(clip)
    packed = T.PackAVSInputs(collect_keys=(
        'frames', 'log_mel', 'waveform', 'audio_embedding'))(clip)
    inputs = packed['inputs']
    assert {key: tuple(value.shape) for key, value in inputs.items()} == dict(
        frames=(3, 3, 6, 8), log_mel=(3, 1, 1, 96, 64),
        waveform=(3, 16000), audio_embedding=(3, 1, 5))
    assert inputs['frames'].dtype == torch.uint8
    assert inputs['frames'].is_contiguous()
    np.testing.assert_array_equal(inputs['frames'][1, 2],
                                  clip['frames'][1][..., 2])
    np.testing.assert_array_equal(inputs['waveform'].reshape(-1)[:40000],
                                  clip['waveform'])
    assert not inputs['waveform'][2, 8000:].any()
    sample = packed['data_samples']
    np.testing.assert_array_equal(sample.gt_sem_seg, clip['masks'])
    assert sample.gt_sem_seg.dtype == torch.uint8
    assert sample.label_valid.tolist() == [True, False, True]
    assert sample.valid.all() and sample.valid.dtype == torch.bool
    assert (sample.sample_idx, sample.ori_shape) == (4, (6, 8))
    assert 'category' not in sample


def test_packing_without_masks_and_without_what_was_asked_for():
    packed = T.PackAVSInputs(collect_keys=('frames',),
                             meta_keys=('clip_id',))(
        dict(frames=_clip()['frames'], clip_id='a', sample_idx=1))
    assert 'gt_sem_seg' not in packed['data_samples']
    assert packed['data_samples'].metainfo_keys() == ['clip_id']
    with pytest.raises(KeyError, match='LogMelSpectrogram before it'):
        T.PackAVSInputs()(_clip())
