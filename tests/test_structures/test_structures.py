# Copyright (c) OpenMMLab. All rights reserved.
import pytest
import torch

from mmavs.structures import AVFeatures, AVSDataSample


def _features():
    valid = torch.tensor([[True, True], [True, False]])
    return AVFeatures(maps=[torch.ones(4, 3, 8, 8)],
                      audio=torch.ones(2, 2, 1, 5), valid=valid)


def test_features_know_batch_and_time():
    features = _features()
    assert features.batch_size == 2
    assert features.num_frames == 2


def test_frame_mask_follows_row_order_and_rank():
    mask = _features().frame_mask(torch.zeros(4, 3, 8, 8, dtype=torch.half))
    assert mask.shape == (4, 1, 1, 1)
    assert mask.dtype == torch.half
    assert mask.flatten().tolist() == [1, 1, 1, 0]


def test_replace_merges_extras_and_leaves_the_original():
    features = _features()
    first = features.replace(extras=dict(a=1))
    second = first.replace(extras=dict(b=2), audio=features.audio * 2)
    assert second.extras == dict(a=1, b=2)
    assert first.extras == dict(a=1) and features.extras == {}
    assert torch.equal(second.audio, features.audio * 2)
    assert second.maps is features.maps


@pytest.mark.parametrize('name, shape', [
    ('gt_sem_seg', (2, 4, 4)), ('pred_sem_seg', (2, 4, 4)),
    ('seg_logits', (2, 1, 4, 4)), ('valid', (2,)), ('label_valid', (2,))])
def test_data_sample_fields(name, shape):
    sample = AVSDataSample()
    value = torch.ones(shape)
    setattr(sample, name, value)
    assert name in sample
    assert torch.equal(getattr(sample, name), value)
    assert torch.equal(sample.to_dict()[name], value)
    with pytest.raises(ValueError, match=f'{name} must be a tensor with'):
        setattr(sample, name, value[None])
    with pytest.raises(ValueError, match=name):
        setattr(sample, name, [1, 2])
    delattr(sample, name)
    assert name not in sample


def test_data_sample_moves_its_tensors():
    sample = AVSDataSample(gt_sem_seg=torch.zeros(1, 2, 2),
                           metainfo=dict(clip_id='a'))
    moved = sample.to('meta')
    assert moved.gt_sem_seg.device.type == 'meta'
    assert moved.clip_id == 'a'
