# Copyright (c) OpenMMLab. All rights reserved.
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.dataset import Compose, pseudo_collate

from mmavs.models import AVSDataPreprocessor
from mmavs.structures import AVSDataSample


def _data(lengths, size=(32, 64)):
    generator = torch.Generator().manual_seed(0)
    return dict(
        inputs=dict(
            frames=[torch.randint(0, 256, (n, 3, *size), dtype=torch.uint8,
                                  generator=generator) for n in lengths],
            log_mel=[torch.randn(n, 2, 1, 96, 64, generator=generator)
                     for n in lengths]),
        data_samples=[AVSDataSample(metainfo=dict(clip_id=str(n)))
                      for n in lengths])


def test_pads_after_normalisation():
    batch = AVSDataPreprocessor()(_data([5, 3]))
    inputs = batch['inputs']
    assert inputs['frames'].shape == (2, 5, 3, 32, 64)
    assert inputs['log_mel'].shape == (2, 5, 2, 1, 96, 64)
    assert inputs['valid'].tolist() == [[True] * 5, [True] * 3 + [False] * 2]
    assert (inputs['frames'][1, 3:] == 0).all()
    assert (inputs['log_mel'][1, 3:] == 0).all()


def test_normalises_with_imagenet_statistics():
    data = _data([1])
    frames = AVSDataPreprocessor()(data)['inputs']['frames'][0]
    mean = torch.tensor([.485, .456, .406]).view(1, 3, 1, 1)
    std = torch.tensor([.229, .224, .225]).view(1, 3, 1, 1)
    expected = (data['inputs']['frames'][0] / 255 - mean) / std
    torch.testing.assert_close(frames, expected, atol=2e-5, rtol=0)


def test_a_clip_is_the_same_beside_others():
    data = _data([3, 5])
    alone = {key: value[:1] for key, value in data['inputs'].items()}
    single = AVSDataPreprocessor()(dict(inputs=alone))['inputs']
    both = AVSDataPreprocessor(pad_to=10)(data)['inputs']
    assert both['frames'].shape[1] == 10
    for key in ('frames', 'log_mel'):
        assert torch.equal(single[key][0], both[key][0, :3])


def test_errors_name_the_fix():
    preprocessor = AVSDataPreprocessor(pad_to=4)
    with pytest.raises(ValueError, match='pad_to=4'):
        preprocessor(_data([5]))
    mixed = _data([2, 2])
    mixed['inputs']['frames'][1] = mixed['inputs']['frames'][1][..., :32]
    with pytest.raises(ValueError, match='resize them to one size'):
        AVSDataPreprocessor()(mixed)
    short = _data([2])
    short['inputs']['log_mel'][0] = short['inputs']['log_mel'][0][:1]
    with pytest.raises(ValueError, match='one entry a second'):
        AVSDataPreprocessor()(short)
    with pytest.raises(ValueError, match='PackAVSInputs'):
        AVSDataPreprocessor()(dict(inputs=dict(log_mel=[])))
    with pytest.raises(ValueError, match='3 values'):
        AVSDataPreprocessor(mean=[0.5])


def test_statistics_stay_out_of_checkpoints():
    assert AVSDataPreprocessor().state_dict() == {}


def _packed(lengths, options, *, in_pipeline):
    """A batch of clips of some seconds with sounds of some samples."""
    rng = np.random.default_rng(0)
    keys = ('frames', 'log_mel' if in_pipeline else 'waveform')
    steps = [dict(type='PackAVSInputs', collect_keys=keys)]
    if in_pipeline:
        steps.insert(0, dict(type='LogMelSpectrogram', **options))
    pipeline = Compose(steps)
    return pseudo_collate([pipeline(dict(
        clip_id='a', num_seconds=seconds, sample_rate=16000,
        frames=[np.zeros((8, 8, 3), np.uint8)] * seconds,
        waveform=rng.standard_normal(samples, dtype=np.float32) / 10))
        for seconds, samples in lengths])


@settings(deadline=None, max_examples=12)
@given(lengths=st.lists(st.tuples(st.integers(1, 3), st.integers(1, 48000)),
                        min_size=1, max_size=3),
       framing=st.sampled_from(['clip', 'second']),
       pad=st.sampled_from(['repeat', 'zero', 'silence']),
       tokens=st.sampled_from([1, 4]))
def test_log_mel_on_the_device_is_that_of_the_pipeline(
        lengths, framing, pad, tokens):
    """Also where sounds end early, and next to clips of other length."""
    lengths = [(t, min(samples, 16000 * t)) for t, samples in lengths]
    options = dict(framing=framing, pad=pad, tokens_per_second=tokens)
    expected = AVSDataPreprocessor(pad_to=4)(
        _packed(lengths, options, in_pipeline=True))['inputs']
    on_device = AVSDataPreprocessor(pad_to=4, log_mel=options)
    with torch.autocast('cpu', torch.bfloat16):
        found = on_device(_packed(lengths, options, in_pipeline=False))[
            'inputs']
    assert set(found) == set(expected)
    torch.testing.assert_close(found['log_mel'], expected['log_mel'],
                               atol=1e-5, rtol=0)


def test_log_mel_errors_name_the_fix():
    with pytest.raises(ValueError, match=r"log_mel takes .*not \['frame'\]"):
        AVSDataPreprocessor(log_mel=dict(frame='clip'))
    preprocessor = AVSDataPreprocessor(log_mel=dict())
    data = _data([2])
    del data['inputs']['log_mel']
    with pytest.raises(ValueError, match="collect_keys=.*'waveform'"):
        preprocessor(data)
    data['inputs']['waveform'] = [torch.zeros(2, 8000)]
    with pytest.raises(ValueError, match='sample_rate=16000'):
        preprocessor(data)
