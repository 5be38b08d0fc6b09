# Copyright (c) OpenMMLab. All rights reserved.
import copy
import csv
import json
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.model import BaseModule
from mmengine.runner.checkpoint import get_state_dict
from mmengine.runner.checkpoint import load_state_dict as mmengine_load
from torch import nn

from mmavs.audio.log_mel import log_mel_spectrogram
from mmavs.audio.waveform import read_waveform
from mmavs.io.checkpoint import CheckpointError, CheckpointNotFoundError
from mmavs.io.weights import own_tensors
from mmavs.models.audio_encoders import (
    AudioEncoder,
    LogMelCNN,
    VGGish,
    YAMNet,
)
from mmavs.registry import MODELS


class TinyEncoder(AudioEncoder):
    """Small enough to be saved and loaded in every test."""

    out_channels = 3

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.net = nn.Linear(64, 3)
        self.norm = nn.BatchNorm1d(3)
        self.freeze()

    def encode(self, log_mel):
        return self.norm(self.net(log_mel.mean(dim=(1, 2))))


class Model(BaseModule):
    """A frozen encoder below another module, and something that trains."""

    def __init__(self, encoder):
        super().__init__()
        self.segmentor = nn.Module()
        self.segmentor.audio_encoder = encoder
        self.head = nn.Linear(3, 1)

    def init_weights(self):
        super().init_weights()
        self.segmentor.audio_encoder.init_weights()


@pytest.fixture
def weights(tmp_path):
    """A file of encoder weights and what it holds."""
    torch.manual_seed(7)
    source = TinyEncoder(frozen=False)
    path = tmp_path / 'tiny.pth'
    torch.save(source.state_dict(), path)
    return str(path), source.eval()


def frozen(path):
    return TinyEncoder(init_cfg=dict(type='Pretrained', checkpoint=path))


def patches(count=2):
    return torch.randn(count, 1, 96, 64)


class TestFrozen:

    def test_needs_weights_or_leave(self):
        with pytest.raises(ValueError, match='allow_random=True') as error:
            TinyEncoder()
        assert '\n' not in str(error.value)
        assert TinyEncoder(allow_random=True)(patches()).shape == (2, 3)
        assert TinyEncoder(frozen=False)(patches()).requires_grad

    def test_does_not_train(self, weights):
        encoder = frozen(weights[0])
        encoder.init_weights()
        Model(encoder).train()
        assert not any(m.training for m in encoder.modules())
        assert not any(p.requires_grad for p in encoder.parameters())
        assert not encoder(patches()).requires_grad

    def test_unloaded_is_an_error(self, weights):
        encoder = frozen(weights[0])
        with pytest.raises(RuntimeError, match='never loaded'):
            encoder(patches())
        encoder.init_weights()
        x = patches()
        torch.testing.assert_close(encoder(x), weights[1](x))

    def test_not_in_checkpoints(self, weights):
        model = Model(frozen(weights[0]))
        for state in (model.state_dict(), get_state_dict(model),
                      copy.deepcopy(model).state_dict()):
            assert set(state) == {'head.weight', 'head.bias'}

    @pytest.mark.parametrize('load', [
        lambda m, s: m.load_state_dict(s, strict=True),
        lambda m, s: mmengine_load(m, s, strict=True)],
        ids=['torch', 'mmengine'])
    @pytest.mark.parametrize('initialised', [False, True])
    def test_strict_loading_exempts_it(self, weights, load, initialised):
        trained = Model(frozen(weights[0]))
        model = Model(frozen(weights[0]))
        if initialised:
            model.init_weights()
        load(model, trained.state_dict())
        x = patches()
        encoder = model.segmentor.audio_encoder
        torch.testing.assert_close(encoder(x), weights[1](x))
        torch.testing.assert_close(model.head.weight, trained.head.weight)
        with pytest.raises(RuntimeError, match='head.bias'):
            load(model, {'head.weight': trained.head.weight})

    def test_checkpoint_that_has_it_wins(self, weights):
        other = Model(TinyEncoder(frozen=False))
        model = Model(frozen(weights[0]))
        model.load_state_dict(other.state_dict())
        model.init_weights()  # must not overwrite it
        x = patches()
        torch.testing.assert_close(
            model.segmentor.audio_encoder(x),
            other.eval().segmentor.audio_encoder(x))

    def test_missing_file_is_reported_when_loading(self):
        model = Model(frozen('no/such.pth'))
        with pytest.raises(CheckpointNotFoundError) as error:
            model.load_state_dict(model.state_dict())
        message = str(error.value)
        assert 'no/such.pth' in message and '\n' not in message
        assert 'model.audio_encoder.init_cfg=None' in message
        assert 'model.audio_encoder.allow_random=True' in message
        with pytest.raises(RuntimeError, match='never loaded'):
            model.segmentor.audio_encoder(patches())

    def test_survives_copying(self, weights):
        model = Model(frozen(weights[0]))
        twin = copy.deepcopy(model)
        twin.load_state_dict(model.state_dict())
        x = patches()
        torch.testing.assert_close(twin.segmentor.audio_encoder(x),
                                   weights[1](x))
        with pytest.raises(RuntimeError, match='never loaded'):
            model.segmentor.audio_encoder(x)

    def test_in_ddp(self, weights, tmp_path):
        from torch import distributed as dist
        from torch.nn.parallel import DistributedDataParallel
        dist.init_process_group('gloo', rank=0, world_size=1,
                                init_method=f'file://{tmp_path}/store')
        try:
            model = Model(frozen(weights[0]))
            model.forward = lambda x: model.head(
                model.segmentor.audio_encoder(x))
            wrapped = DistributedDataParallel(model)
            state = wrapped.state_dict()
            assert set(state) == {'module.head.weight', 'module.head.bias'}
            wrapped.load_state_dict(state, strict=True)
            wrapped(patches()).sum().backward()
            assert model.head.weight.grad is not None
        finally:
            dist.destroy_process_group()

    def test_unfrozen_is_stored(self):
        encoder = TinyEncoder(frozen=False)
        assert set(encoder.state_dict()) == set(own_tensors(encoder))


@pytest.mark.parametrize('shape', [(2, 96, 64), (2, 1, 64, 96), (2, 3)])
def test_wrong_patches_are_refused(shape):
    with pytest.raises(ValueError, match=r'\(M, 1, 96, 64\), got'):
        TinyEncoder(allow_random=True)(torch.zeros(shape))


@settings(max_examples=8, deadline=None)
@given(count=st.integers(0, 7), chunk=st.integers(1, 8))
@pytest.mark.parametrize('cls', [LogMelCNN, YAMNet])
def test_patches_are_independent_and_chunks_change_nothing(
        cls, count, chunk):
    torch.manual_seed(0)
    encoder = cls(allow_random=True, frozen=True)
    log_mel = patches(count)
    whole = encoder(log_mel)
    assert whole.shape == (count, encoder.out_channels)
    encoder.chunk_size = chunk
    torch.testing.assert_close(encoder(log_mel), whole)
    for row in range(count):
        torch.testing.assert_close(
            encoder(log_mel[row:row + 1])[0], whole[row])


def test_log_mel_cnn_trains():
    torch.manual_seed(0)
    encoder = MODELS.build(dict(type='LogMelCNN', out_channels=16, width=8))
    encoder(patches()).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0
               for p in encoder.parameters())
    assert not any(isinstance(m, nn.modules.batchnorm._BatchNorm)
                   for m in encoder.modules())
    with pytest.raises(ValueError, match='multiple of 8'):
        LogMelCNN(width=12)
    with pytest.raises(ValueError, match='chunk_size'):
        LogMelCNN(chunk_size=0)


class TestVGGish:

    def test_names_and_shapes_are_the_public_files(self, shared_dir):
        manifest = json.loads(
            (shared_dir / 'parity/manifest_vggish.json').read_text())
        with torch.device('meta'):
            own = own_tensors(VGGish(allow_random=True))
        assert {k: list(v.shape) for k, v in own.items()} == manifest

    def test_embedding_equals_the_reference(self, shared_dir, tmp_path,
                                            monkeypatch):
        monkeypatch.syspath_prepend(str(shared_dir / 'parity'))
        sys.modules.pop('reference_weights', None)
        from reference_weights import fill_state_dict
        manifest = json.loads(
            (shared_dir / 'parity/manifest_vggish.json').read_text())
        path = tmp_path / 'vggish.pth'
        torch.save(fill_state_dict(manifest), path)
        encoder = VGGish(init_cfg=dict(type='Pretrained',
                                       checkpoint=str(path)))
        encoder.init_weights()
        arrays = np.load(shared_dir / 'parity/metrics_audio.npz')
        log_mel = torch.from_numpy(arrays['audio.logmel16k_per_second'])
        found = encoder(log_mel[:, None])
        expected = torch.from_numpy(arrays['vggish.embedding'])
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
        assert (found >= 0).all()

    def test_postprocess(self):
        encoder = VGGish(allow_random=True, postprocess=True)
        generator = torch.Generator().manual_seed(0)
        basis = torch.randn(128, 128, generator=generator)
        encoder.pproc.pca_eigen_vectors.copy_(basis)
        encoder.pproc.pca_means.fill_(0.25)
        x = torch.rand(3, 128, generator=generator)
        expected = np.einsum('ij,nj->ni', basis.double().numpy(),
                             x.double().numpy() - 0.25)
        expected = np.round((np.clip(expected, -2, 2) + 2) * 255 / 4)
        found = encoder.pproc(x).numpy()
        assert np.abs(found - expected).max() <= 1  # a tie may round over
        assert (found != expected).mean() < 0.01


class TestYAMNet:

    @pytest.fixture(scope='class')
    def encoder(self, shared_dir):
        encoder = YAMNet(with_classifier=True, init_cfg=dict(
            type='Pretrained',
            checkpoint=str(shared_dir / 'weights/yamnet_audioset.pth')))
        encoder.init_weights()
        return encoder

    def test_loads_without_its_classifier(self, shared_dir, encoder):
        plain = YAMNet(init_cfg=dict(
            type='Pretrained',
            checkpoint=str(shared_dir / 'weights/yamnet_audioset.pth')))
        plain.init_weights()
        x = patches()
        torch.testing.assert_close(plain(x), encoder(x))
        with pytest.raises(ValueError, match='with_classifier'):
            plain.classify(x)

    def test_patches_made_for_vggish(self):
        torch.manual_seed(0)
        encoder = YAMNet(allow_random=True)
        mel = torch.rand(4, 1, 96, 64) * torch.tensor(
            [0., 1e-3, 1., 100.]).view(4, 1, 1, 1)
        expected = encoder((mel + 0.001).log())
        encoder.log_offset = 0.01
        torch.testing.assert_close(encoder((mel + 0.01).log()), expected,
                                   atol=1e-4, rtol=1e-4)
        with pytest.raises(ValueError, match='log_offset'):
            YAMNet(allow_random=True, log_offset=0.)

    def test_wrong_file_is_refused(self, shared_dir):
        path = shared_dir / 'weights/mobilenetv2_100_timm_imagenet.pth'
        encoder = YAMNet(init_cfg=dict(type='Pretrained',
                                       checkpoint=str(path)))
        with pytest.raises(CheckpointError, match='YAMNet'):
            encoder.init_weights()

    def test_same_padding_is_tensorflows(self):
        from mmavs.models.audio_encoders.yamnet import _same_padding
        strided = nn.Conv2d(1, 1, 3, stride=2)
        padded = _same_padding(torch.ones(1, 1, 96, 64), strided)
        assert padded.shape == (1, 1, 97, 65)
        assert padded[..., -1, :].sum() == 0 == padded[..., -1].sum()
        assert padded[..., 0, 0] == 1
        plain = nn.Conv2d(1, 1, 3)
        assert _same_padding(torch.ones(1, 1, 6, 4), plain).shape == (
            1, 1, 8, 6)

    def test_hears_real_sounds(self, shared_dir, encoder):
        """What sounds scores highest among four groups of classes."""
        folder = shared_dir / 'media/realmix'
        with open(folder / 'ms3_meta_data.csv') as file:
            rows = list(csv.DictReader(file))
        right, seen = 0, dict.fromkeys(AUDIOSET, 0)
        for row in rows:
            kind = only_kind(row)
            if kind is None or seen[kind] == 3:
                continue
            seen[kind] += 1
            wave = read_waveform(folder / 'audio_wav' / row['split'] /
                                 f'{row["video_id"]}.wav')
            log_mel = log_mel_spectrogram(wave, log_offset=0.001)
            scores = encoder.classify(log_mel.flatten(0, 1)).sigmoid()
            groups = {name: float(scores[:, part].amax(dim=1).mean())
                      for name, part in AUDIOSET.items()}
            right += max(groups, key=groups.get) == kind
        assert sum(seen.values()) == 12
        assert right >= 9  # some recordings are hard; chance is 3


# Where the kinds of RealMix are among AudioSet's 521 classes.
AUDIOSET = dict(person=slice(0, 67), dog=slice(68, 76),
                bird=slice(106, 117), vehicle=slice(294, 350))


def only_kind(row):
    """The kind that sounds alone in every second of a clip, else None."""
    sounding = set(row['sounding'].split('|'))
    if len(sounding) != 1 or sounding & {'00', '11'}:
        return None
    return row['objects'].split('|')[sounding.pop().index('1')]
