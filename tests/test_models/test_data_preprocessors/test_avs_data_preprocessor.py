# Copyright (c) OpenMMLab. All rights reserved.
import pytest
import torch

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
