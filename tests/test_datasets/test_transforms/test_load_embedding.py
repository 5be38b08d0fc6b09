# Copyright (c) OpenMMLab. All rights reserved.
"""The cache of audio embeddings never gives anything but the right ones."""

import multiprocessing
import pickle
import shutil

import numpy as np
import pytest
import torch
from mmengine.config import Config
from scipy.io import wavfile

from mmavs.datasets import AVSBenchMS3Dataset, ClipError
from mmavs.datasets.transforms import LoadAudioEmbedding
from mmavs.datasets.transforms.load_embedding import without_cache
from mmavs.io.embedding_cache import EmbeddingCache, same_encoder
from mmavs.models.audio_encoders import LogMelCNN
from mmavs.registry import MODELS
from mmavs.utils.config import check_cached_audio

from ..layouts import MS3_CLIPS, write_ms3

WIDTH = 16
NAMES = [name for name, split, *_ in MS3_CLIPS if split == 'val']


def save_encoder(path, seed=0):
    torch.manual_seed(seed)
    model = LogMelCNN(out_channels=WIDTH, width=8)
    torch.save(model.state_dict(), path)


@pytest.fixture
def setup(tmp_path, repo_dir, run_tool):
    """A data set, an encoder, and a function that fills the cache."""
    # Without kinds any other clip's sound can be swapped in.
    root = write_ms3(tmp_path / 'data', kinds=False)
    for name in NAMES:
        path = root / 'ms3_data/audio_log_mel/val' / f'{name}.pkl'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(torch.randn(5, 1, 96, 64)))
    save_encoder(tmp_path / 'encoder.pth')

    class Setup:
        data = root
        folder = tmp_path / 'cache'
        encoder = dict(type='LogMelCNN', out_channels=WIDTH, width=8,
                       frozen=True, init_cfg=dict(
                           type='Pretrained',
                           checkpoint=str(tmp_path / 'encoder.pth')))
        config = tmp_path / 'config.py'

        @classmethod
        def step(cls, **changes):
            return {**dict(type='LoadAudioEmbedding', encoder=cls.encoder,
                           cache_dir=str(cls.folder)), **changes}

        @classmethod
        def dataset(cls, cached=True, *, mode='true', front=(), audio='wav',
                    **changes):
            pipeline = [dict(type='LoadClipFrames'), *front,
                        cls.step(**changes), dict(
                            type='PackAVSInputs', collect_keys=[
                                'frames', 'audio_embedding'])]
            return dict(
                type='AVSBenchMS3Dataset', data_root=str(root), split='val',
                pipeline=pipeline if cached else without_cache(pipeline),
                test_mode=True, audio_mode=mode, audio_type=audio)

        @classmethod
        def load(cls, *args, **options):
            options = cls.dataset(*args, **options)
            options.pop('type')
            return AVSBenchMS3Dataset(**options)

        @classmethod
        def fill(cls, **options):
            Config(dict(test_dataloader=dict(
                dataset=cls.dataset(**options)))).dump(cls.config)
            return run_tool(repo_dir / 'tools/misc/cache_audio.py',
                            str(cls.config), '--workers', '0',
                            '--device', 'cpu')

    return Setup


@pytest.mark.parametrize('options', [
    dict(), dict(audio='log_mel'), dict(
        framing='second', tokens_per_second=2), dict(mode='swapped')])
def test_it_is_what_the_encoder_gives(setup, options):
    code, said = setup.fill(**options)
    assert code == 0 and '3 embeddings computed, 0 were there' in said
    encoder = MODELS.build(setup.encoder)
    encoder.init_weights()
    cached = setup.load(**options)
    plain = setup.load(cached=False, **options)
    for one, other in zip(cached, plain):
        found = one['inputs']['audio_embedding']
        log_mel = other['inputs']['log_mel']
        wanted = encoder(log_mel.flatten(0, 1)).unflatten(
            0, log_mel.shape[:2])
        torch.testing.assert_close(found, wanted)
        assert found.dtype == torch.float32
    said = setup.fill(**options)[1]
    assert '0 embeddings computed, 3 were there' in said


def is_missing(setup, **options):
    with pytest.raises(ClipError, match='cache_audio.py CONFIG'):
        setup.load(**options)[0]
    return True


@pytest.mark.parametrize('change', [
    dict(framing='second'), dict(pad='silence'), dict(log_offset=0.001),
    dict(tokens_per_second=3)])
def test_other_settings_find_nothing(setup, change):
    setup.fill()
    setup.load()[0]
    assert is_missing(setup, **change)
    setup.fill(**change)
    setup.load(**change)[0]
    setup.load()[0]  # both live side by side


def test_other_weights_and_other_sounds_find_nothing(setup):
    setup.fill()
    first = setup.load()[0]['inputs']['audio_embedding']
    save_encoder(setup.encoder['init_cfg']['checkpoint'], seed=1)
    assert is_missing(setup)
    setup.fill()
    assert not torch.equal(
        setup.load()[0]['inputs']['audio_embedding'], first)
    wav = setup.data / 'ms3_data/audio_wav/val' / f'{NAMES[0]}.wav'
    rate, samples = wavfile.read(wav)
    samples[100] += 1
    wavfile.write(wav, rate, samples)
    assert is_missing(setup)


def test_a_moved_data_set_finds_all(setup, tmp_path):
    setup.fill()
    first = setup.load()[1]['inputs']['audio_embedding']
    shutil.move(setup.data / 'ms3_data/audio_wav',
                setup.data / 'ms3_data/old')
    shutil.copytree(setup.data / 'ms3_data/old',
                    setup.data / 'ms3_data/audio_wav')
    assert torch.equal(setup.load()[1]['inputs']['audio_embedding'], first)


def test_a_damaged_entry_is_not_used(setup):
    setup.fill()
    entries = sorted(setup.folder.rglob('*.emb'))
    assert len(entries) == 3
    for number, path in enumerate(entries):
        content = bytearray(path.read_bytes())
        content[-1 - number * 100] ^= 1
        path.write_bytes(content[:-5] if number == 2 else content)
    assert is_missing(setup)
    assert '3 embeddings computed' in setup.fill()[1]


@pytest.mark.parametrize('mode', ['silence', 'noise:5'])
def test_changed_sound_is_refused(setup, mode):
    setup.fill()
    with pytest.raises(ValueError, match='no effect on cached embeddings'):
        setup.load(mode=mode)[0]


def test_augmentation_of_the_waveform_is_refused(setup):
    setup.fill()
    with pytest.raises(ValueError, match='no effect on cached embeddings'):
        setup.load(front=[dict(type='LoadClipAudio'),
                          dict(type='RandomGain')])[0]


def test_encoders_that_change_are_refused(setup):
    options = dict(cache_dir='x')
    with pytest.raises(ValueError, match='must be frozen'):
        LoadAudioEmbedding(encoder=dict(setup.encoder, frozen=False),
                           **options)
    with pytest.raises(ValueError, match='must be frozen'):
        LoadAudioEmbedding(encoder=dict(setup.encoder, init_cfg=None),
                           **options)


def test_the_model_must_have_the_same_encoder(setup):
    other = dict(setup.encoder, width=16)
    assert same_encoder(setup.encoder, dict(setup.encoder, chunk_size=3))
    for encoder, fits in ((setup.encoder, True), (None, True),
                          (other, False)):
        cfg = Config(dict(model=dict(type='A', audio_encoder=encoder),
                          test_dataloader=dict(dataset=setup.dataset())))
        if fits:
            check_cached_audio(cfg)
        else:
            with pytest.raises(ValueError, match='test_dataloader reads'):
                check_cached_audio(cfg)


def test_broken_sounds_are_listed(setup):
    wav = setup.data / 'ms3_data/audio_wav/val' / f'{NAMES[1]}.wav'
    wav.write_bytes(b'nothing')
    code, said = setup.fill()
    assert code == 1 and str(wav) in said and '2 embeddings computed' in said


def cache_of(setup):
    return EmbeddingCache(setup.folder, encoder=setup.encoder, front_end={})


def hammer(setup_folder, encoder, seed, results):
    """Write and read the same entries in another order."""
    cache = EmbeddingCache(setup_folder, encoder=encoder, front_end={})
    rng = np.random.default_rng(seed)
    torn = 0
    for sound in rng.permutation(np.tile(np.arange(10), 6)):
        path = cache.path(bytes([sound]), 'wav', 5)
        value = np.full((5, 1, 2000), sound, np.float32)
        if rng.random() < 0.5:
            cache.write(path, value)
        else:
            found = cache.read(path)
            torn += path.is_file() and found is None
            torn += found is not None and not np.array_equal(found, value)
    results.put(torn)


def test_several_processes_share_a_cache(setup):
    context = multiprocessing.get_context('fork')
    results = context.SimpleQueue()
    crowd = [context.Process(target=hammer, args=(
        setup.folder, setup.encoder, seed, results)) for seed in range(4)]
    for process in crowd:
        process.start()
    for process in crowd:
        process.join(120)
    assert [process.exitcode for process in crowd] == [0] * 4
    assert [results.get() for _ in crowd] == [0] * 4
    assert not list(setup.folder.rglob('*.tmp*'))
    cache = cache_of(setup)
    assert all(cache.read(cache.path(bytes([n]), 'wav', 5))[0, 0, 0] == n
               for n in range(10))
