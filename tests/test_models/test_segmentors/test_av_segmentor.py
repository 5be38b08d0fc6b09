# Copyright (c) OpenMMLab. All rights reserved.
import pytest
import torch
from torch import nn

from mmavs.models import AVSegmentor
from mmavs.structures import AVSDataSample


class Pyramid(nn.Module):
    """A backbone of four strided convolutions."""

    out_channels = (4, 6, 8, 10)

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 2, stride=2)
        widths = (4, *self.out_channels)
        self.stages = nn.ModuleList(
            nn.Conv2d(a, b, 2, stride=2)
            for a, b in zip(widths[:-1], widths[1:]))


class AddSound(nn.Module):
    """Early fusion that adds the mean of the sound to every pixel."""

    def fuse(self, stage, x, audio, valid):
        shift = audio.mean(dim=(2, 3)).reshape(-1, 1, 1, 1)
        return x + shift, audio + stage


class Sum(nn.Module):
    """Head whose single logit is the sum over the finest map's channels."""

    def __init__(self, num_classes=1):
        super().__init__()
        self.num_classes = num_classes

    def forward(self, features):
        logits = features.maps[0].sum(dim=1, keepdim=True)
        return dict(logits=logits.repeat(1, self.num_classes, 1, 1),
                    audio=features.audio)

    def loss_by_feat(self, outputs, features, data_samples):
        return dict(loss_sum=outputs['logits'].square().mean())

    def predict_by_feat(self, outputs, features, size):
        logits = nn.functional.interpolate(outputs['logits'], size=size)
        return logits.unflatten(0, features.valid.shape)


class Shift(nn.Module):
    """Auxiliary head."""

    def loss(self, features, outputs, data_samples):
        return dict(loss_shift=outputs['logits'].mean())


def _inputs(batch=2, seconds=3, tokens=2):
    valid = torch.ones(batch, seconds, dtype=torch.bool)
    valid[-1, -1] = False
    return dict(frames=torch.randn(batch, seconds, 3, 32, 64), valid=valid,
                audio_embedding=torch.randn(batch, seconds, tokens, 7))


def _segmentor(head=None, **parts):
    return AVSegmentor(backbone=Pyramid(), decode_head=head or Sum(), **parts)


def test_rows_are_clip_major_and_padding_is_silent():
    inputs = _inputs()
    features = _segmentor().encode(inputs)
    assert [tuple(m.shape) for m in features.maps] == [
        (6, 4, 8, 16), (6, 6, 4, 8), (6, 8, 2, 4), (6, 10, 1, 2)]
    assert (features.audio[1, 2] == 0).all()
    assert torch.equal(features.audio[0], inputs['audio_embedding'][0])
    assert torch.equal(features.audio_embedding, inputs['audio_embedding'])


def test_fusion_feeds_the_next_stage():
    inputs = _inputs()
    torch.manual_seed(0)
    plain = _segmentor()
    fused = AVSegmentor(backbone=plain.backbone, decode_head=Sum(),
                        early_fusion=AddSound())
    before, after = plain.encode(inputs), fused.encode(inputs)
    sound = inputs['audio_embedding'].mean(dim=(2, 3))
    sound[1, 2] = 0
    first = before.maps[0] + sound.reshape(-1, 1, 1, 1)
    torch.testing.assert_close(after.maps[0], first)
    second = (plain.backbone.stages[1](first)
              + (sound + inputs['valid'] * 0).reshape(-1, 1, 1, 1))
    torch.testing.assert_close(after.maps[1], second)
    assert torch.allclose(after.audio[0], before.audio[0] + 6)


def test_one_token_embeddings_may_leave_the_token_axis_out():
    inputs = _inputs(tokens=1)
    whole = _segmentor().encode(inputs).audio
    inputs['audio_embedding'] = inputs['audio_embedding'][:, :, 0]
    assert torch.equal(whole, _segmentor().encode(inputs).audio)


def test_modes():
    model = _segmentor(auxiliary_heads=dict(shift=Shift(), none=None))
    inputs = _inputs()
    losses = model(inputs, [AVSDataSample()] * 2, mode='loss')
    assert set(losses) == {'loss_sum', 'shift.loss_shift'}
    total, _ = model.parse_losses(losses)
    total.backward()
    assert set(model(inputs)) == {'logits', 'audio'}
    with pytest.raises(ValueError, match='tensor, loss or predict'):
        model(inputs, mode='train')


def test_predictions_have_each_clips_own_length_and_size():
    model = _segmentor()
    samples = [AVSDataSample(metainfo=dict(mask_shape=(20, 24))),
               AVSDataSample(metainfo=dict(ori_shape=(11, 7)))]
    first, second = model(_inputs(), samples, mode='predict')
    assert first.pred_sem_seg.shape == (3, 20, 24)
    assert second.pred_sem_seg.shape == (2, 11, 7)
    assert second.seg_logits.shape == (2, 1, 11, 7)
    assert torch.equal(first.pred_sem_seg.bool(), first.seg_logits[:, 0] > 0)
    alone = model(_inputs(), mode='predict')
    assert alone[0].pred_sem_seg.shape == (3, 32, 64)


def test_scores_of_many_classes_only_on_request():
    sample = AVSDataSample(metainfo=dict(mask_shape=(8, 8)))
    inputs = {key: value[:1] for key, value in _inputs().items()}
    quiet = _segmentor(Sum(num_classes=3))(inputs, [sample], mode='predict')
    assert 'seg_logits' not in quiet[0]
    model = _segmentor(Sum(num_classes=3), test_cfg=dict(with_scores=True))
    loud = model(inputs, [sample.new()], mode='predict')
    assert loud[0].seg_logits.shape == (3, 3, 8, 8)


def test_missing_sound_is_named():
    inputs = _inputs()
    del inputs['audio_embedding']
    with pytest.raises(ValueError, match='audio_embedding'):
        _segmentor().encode(inputs)
    inputs['log_mel'] = torch.zeros(2, 3, 1, 1, 96, 64)
    with pytest.raises(ValueError, match='no audio_encoder'):
        _segmentor().encode(inputs)


def test_unsized_sample_is_refused():
    with pytest.raises(ValueError, match='mask_shape'):
        _segmentor()(_inputs(), [AVSDataSample()] * 2, mode='predict')
