# Copyright (c) OpenMMLab. All rights reserved.
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmavs.audio import (
    log_mel_frames,
    log_mel_spectrogram,
    mel_matrix,
    resample,
)


def _golden_tone(samples=80000):
    n = torch.arange(samples, dtype=torch.float64)
    tone = (0.5 * torch.sin(2 * math.pi * 440 * n / 16000)
            + 0.1 * torch.sin(2 * math.pi * 3000 * n / 16000))
    return tone.float()


def _noise(seconds=5.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return 0.1 * torch.randn(round(16000 * seconds), generator=generator)


def test_golden_values_of_the_official_front_end():
    log_mel = log_mel_spectrogram(_golden_tone())
    assert log_mel.shape == (5, 1, 1, 96, 64)
    log_mel = log_mel[:, 0]
    assert log_mel.sum().item() == pytest.approx(-96167.125, abs=0.2)
    assert log_mel.min().item() == pytest.approx(-4.603614, abs=1e-4)
    assert log_mel.max().item() == pytest.approx(4.089175, abs=1e-4)
    assert log_mel[0, 0, 0].argmax() == 8
    torch.testing.assert_close(log_mel[0, 0, 0, :6], torch.tensor(
        [-3.73613, -2.74355, -2.20457, -2.05253, -2.33948, -0.34756]),
        atol=1e-4, rtol=0)
    torch.testing.assert_close(log_mel[4, 0, 95, 40:44], torch.tensor(
        [-1.78921, 2.63149, 2.53648, -1.98439]), atol=1e-4, rtol=0)


@pytest.mark.parametrize('framing, key', [
    ('clip', 'whole'), ('second', 'per_second')])
def test_equals_the_reference(shared_dir, framing, key):
    data = np.load(shared_dir / 'parity' / 'metrics_audio.npz')
    ours = log_mel_spectrogram(torch.from_numpy(data['audio.wav16k']),
                               framing=framing)
    theirs = torch.from_numpy(data[f'audio.logmel16k_{key}'])
    torch.testing.assert_close(ours[:, 0, 0], theirs, atol=1e-4, rtol=0)


def test_resampled_stereo_is_close_to_the_reference(shared_dir):
    data = np.load(shared_dir / 'parity' / 'metrics_audio.npz')
    mono = torch.from_numpy(data['audio.wav44k_stereo']).mean(1)
    ours = log_mel_spectrogram(resample(mono, 44100, 16000),
                               framing='second')[:, 0, 0]
    theirs = torch.from_numpy(data['audio.logmel44k_per_second'])
    assert (ours - theirs).abs().mean() < 0.01


def test_equals_a_plain_transcription():
    """The definition, one window at a time, in float64."""
    waveform = _noise(0.2).double()
    hann = 0.5 - 0.5 * torch.cos(
        2 * math.pi * torch.arange(400, dtype=torch.float64) / 400)
    frames = []
    for start in range(0, len(waveform) - 399, 160):
        window = waveform[start:start + 400] * hann
        magnitude = torch.fft.rfft(window, 512).abs()
        frames.append(torch.log(magnitude @ mel_matrix() + 0.01))
    ours = log_mel_frames(waveform)
    torch.testing.assert_close(ours, torch.stack(frames))


def test_mel_matrix():
    matrix = mel_matrix()
    assert matrix.shape == (257, 64) and matrix.dtype == torch.float64
    assert not matrix[0].any() and matrix.max() <= 1 and matrix.min() >= 0
    assert (matrix.sum(0) > 0).all()
    # Neighbouring triangles add up to 1 between the outermost peaks.
    inner = matrix.sum(1)
    assert torch.allclose(inner[8:230], torch.ones(222, dtype=torch.float64))


@pytest.mark.parametrize('samples, complete', [
    (77040, 5), (77039, 4), (80000, 5), (160000, 10), (64000, 4)])
def test_number_of_complete_examples(samples, complete):
    tokens = log_mel_spectrogram(torch.rand(samples), num_seconds=12,
                                 pad='zero')
    assert tokens.flatten(1).any(1).sum() == complete


def test_silence_is_the_logarithm_of_the_offset():
    for offset in (0.01, 0.001):
        log_mel = log_mel_spectrogram(torch.zeros(80000), log_offset=offset)
        torch.testing.assert_close(
            log_mel, torch.full_like(log_mel, math.log(offset)))


def test_padding_rules_of_a_short_clip():
    sound = _noise(3.0)  # 3 complete examples
    kwargs = dict(num_seconds=5)
    repeat = log_mel_spectrogram(sound, pad='repeat', **kwargs)
    zero = log_mel_spectrogram(sound, pad='zero', **kwargs)
    silence = log_mel_spectrogram(sound, pad='silence', **kwargs)
    for other in (zero, silence):
        torch.testing.assert_close(other[:3], repeat[:3])
    torch.testing.assert_close(repeat[3], repeat[2])
    torch.testing.assert_close(repeat[4], repeat[2])
    assert not zero[3:].any()
    # The end of the sound is heard in the fourth example, then silence.
    assert silence[3].max() > -4 and (silence[4] == math.log(0.01)).all()


@settings(max_examples=25, deadline=None)
@given(samples=st.integers(0, 90000), seconds=st.integers(1, 6),
       tokens=st.sampled_from([1, 2, 3, 4]),
       framing=st.sampled_from(['clip', 'second']),
       pad=st.sampled_from(['repeat', 'zero', 'silence']))
def test_shape_and_first_token_do_not_depend_on_n(samples, seconds, tokens,
                                                  framing, pad):
    waveform = _noise(6)[:samples]
    many = log_mel_spectrogram(waveform, num_seconds=seconds,
                               framing=framing, pad=pad,
                               tokens_per_second=tokens)
    assert many.shape == (seconds, tokens, 1, 96, 64)
    assert torch.isfinite(many).all()
    # 'repeat' takes the last complete example, of which N gives more.
    if pad != 'repeat' or samples >= seconds * 16000:
        one = log_mel_spectrogram(waveform, num_seconds=seconds,
                                  framing=framing, pad=pad)
        torch.testing.assert_close(many[:, 0], one[:, 0])


@pytest.mark.parametrize('tokens', [2, 4])
def test_further_tokens_are_the_sound_shifted(tokens):
    waveform = _noise(5)
    hop = 15360 // tokens
    for framing in ('clip', 'second'):
        all_tokens = log_mel_spectrogram(
            waveform, num_seconds=3, framing=framing,
            tokens_per_second=tokens)
        for n in range(tokens):
            shifted = log_mel_spectrogram(waveform[n * hop:], num_seconds=2,
                                          framing=framing)
            torch.testing.assert_close(all_tokens[:2, n], shifted[:, 0])


def test_per_second_framing_hears_nothing_outside_its_second():
    a, b = _noise(5), _noise(5)
    b[:2 * 16000] = 0
    b[3 * 16000:] = 0
    second = log_mel_spectrogram(a, framing='second')
    alone = log_mel_spectrogram(b, framing='second')
    torch.testing.assert_close(second[2], alone[2])


def test_sound_after_the_clip_is_not_heard():
    waveform = _noise(5)
    kwargs = dict(framing='second', tokens_per_second=4, num_seconds=3)
    torch.testing.assert_close(
        log_mel_spectrogram(waveform, **kwargs),
        log_mel_spectrogram(waveform[:48000], **kwargs))


def test_batches_are_single_clips():
    batch = torch.stack([_noise(5, seed) for seed in range(4)]).view(2, 2, -1)
    together = log_mel_spectrogram(batch, tokens_per_second=2)
    assert together.shape == (2, 2, 5, 2, 1, 96, 64)
    torch.testing.assert_close(together[1, 0],
                               log_mel_spectrogram(batch[1, 0],
                                                   tokens_per_second=2))


@pytest.mark.parametrize('kwargs, message', [
    (dict(framing='minute'), 'framing'), (dict(pad='wrap'), 'pad'),
    (dict(tokens_per_second=5), 'divide 96'),
    (dict(tokens_per_second=0), 'divide 96')])
def test_wrong_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        log_mel_spectrogram(torch.zeros(16000), **kwargs)
    with pytest.raises(ValueError, match='floating'):
        log_mel_spectrogram(torch.zeros(16000, dtype=torch.int16))
