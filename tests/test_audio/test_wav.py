# Copyright (c) OpenMMLab. All rights reserved.
import struct
import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import wavfile
from torchaudio.functional import resample as torchaudio_resample

from mmavs.audio import (
    mix_down,
    noise_at_snr,
    read_wav,
    read_wav_info,
    read_waveform,
    resample,
)


def _wav(samples: bytes, *, tag=1, channels=1, rate=16000, bits=16,
         claimed=None, before=b''):
    """Bytes of a wav file, as broken as wanted."""
    block = channels * bits // 8
    fmt = struct.pack('<HHIIHH', tag, channels, rate, rate * block, block,
                      bits)
    claimed = len(samples) if claimed is None else claimed
    body = (b'WAVE' + b'fmt ' + struct.pack('<I', 16) + fmt + before
            + b'data' + struct.pack('<I', claimed) + samples)
    return b'RIFF' + struct.pack('<I', len(body) & 0xFFFFFFFF) + body


def _tone(rate, seconds=1.0, hertz=440.0):
    time = np.arange(round(rate * seconds)) / rate
    return 0.5 * np.sin(2 * np.pi * hertz * time)


@pytest.mark.parametrize('dtype, step', [
    ('uint8', 2**-7), ('int16', 2**-15), ('int32', 2**-23),
    ('float32', 1e-6), ('float64', 1e-6)])
def test_reads_what_scipy_writes(tmp_path, dtype, step):
    tone = _tone(16000)
    stored = {'uint8': tone * 128 + 128, 'int16': tone * 2**15,
              'int32': tone * 2**31}.get(dtype, tone).astype(dtype)
    wavfile.write(tmp_path / 'a.wav', 16000, stored)
    samples, rate = read_wav(tmp_path / 'a.wav')
    assert rate == 16000 and samples.dtype == np.float32
    assert samples.shape == (1, 16000)
    np.testing.assert_allclose(samples[0], tone, atol=1.01 * step)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-2**23, 2**23 - 1), min_size=1, max_size=40))
def test_24_bits_are_exact(tmp_path_factory, values):
    path = tmp_path_factory.mktemp('wav') / 'a.wav'
    path.write_bytes(_wav(
        b''.join(v.to_bytes(3, 'little', signed=True) for v in values),
        bits=24))
    samples, _ = read_wav(path)
    np.testing.assert_array_equal(samples[0], np.array(values) / 2.0**23)


def test_int16_is_divided_by_32768_and_channels_are_averaged(tmp_path):
    stereo = np.array([[-32768, 0], [16384, 8192]], np.int16)
    wavfile.write(tmp_path / 'a.wav', 16000, stereo)
    assert read_waveform(tmp_path / 'a.wav').tolist() == [-0.5, 0.375]


def test_other_chunks_and_odd_lengths_are_skipped(tmp_path):
    junk = b'LIST' + struct.pack('<I', 3) + b'abc\0'
    path = tmp_path / 'a.wav'
    path.write_bytes(_wav(b'\x00\x40', before=junk))
    assert read_wav(path)[0].tolist() == [[0.5]]


def test_a_length_unknown_to_the_writer_is_the_rest_of_the_file(tmp_path):
    path = tmp_path / 'a.wav'
    path.write_bytes(_wav(b'\x00\x40' * 5, claimed=0xFFFFFFFF))
    assert read_wav_info(path).num_samples == 5


def test_a_header_with_a_billion_samples_costs_no_memory(tmp_path):
    path = tmp_path / 'a.wav'
    path.write_bytes(_wav(b'\x00\x40' * 100, claimed=2_000_000_000))
    tracemalloc.start()
    with pytest.raises(ValueError, match='1000000000 samples but holds 100'):
        read_wav(path)
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


@pytest.mark.parametrize('content, message', [
    (b'', 'not a RIFF wav'), (b'ID3' * 30, 'not a RIFF wav'),
    (_wav(b'')[:30], 'cut short'), (_wav(b'', rate=0), 'rate of 0'),
    (_wav(b'', rate=1_000_000_000), 'rate'),
    (_wav(b'', channels=0), '0 channels'),
    (_wav(b'', tag=6, bits=8), 'not supported'),
    (_wav(b'', bits=13), 'not supported'),
    (_wav(struct.pack('<f', float('nan')), tag=3, bits=32), 'not finite')])
def test_broken_files_are_named(tmp_path, content, message):
    path = tmp_path / 'broken.wav'
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as error:
        read_wav(path)
    assert 'broken.wav' in str(error.value)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=120), st.integers(0, 60))
def test_any_bytes_are_read_or_refused(tmp_path_factory, noise, at):
    good = bytearray(_wav(b'\x01\x02' * 20))
    good[at:at + len(noise)] = noise
    path = tmp_path_factory.mktemp('wav') / 'a.wav'
    path.write_bytes(bytes(good))
    try:
        samples, _ = read_wav(path)
    except ValueError as error:
        assert str(path) in str(error)
    else:
        assert np.isfinite(samples).all()


@given(channels=st.integers(1, 6), samples=st.integers(0, 50))
def test_mixing_down_is_the_mean_and_keeps_its_input(channels, samples):
    sound = torch.randn(channels, samples)
    before = sound.clone()
    torch.testing.assert_close(mix_down(sound), sound.mean(dim=0))
    assert torch.equal(sound, before)


@pytest.mark.parametrize('rate', [8000, 22050, 44100, 48000, 44101])
def test_resampling_keeps_a_tone(rate):
    waveform = torch.from_numpy(_tone(rate)).float()
    out = resample(waveform, rate, 16000)
    assert abs(len(out) - 16000) <= 1
    middle = slice(1000, 15000)
    expected = torch.from_numpy(_tone(16000)).float()
    torch.testing.assert_close(out[middle], expected[middle], atol=2e-3,
                               rtol=0)


@settings(deadline=None, max_examples=15)
@given(rate=st.sampled_from([8000, 11025, 22050, 32000, 44100, 48000]),
       samples=st.integers(1, 3000), channels=st.integers(1, 2))
def test_resampling_is_that_of_torchaudio(rate, samples, channels):
    """Its filters, with their zeros left out."""
    waveform = torch.randn(channels, samples, generator=torch.Generator(
    ).manual_seed(samples))
    expected = torchaudio_resample(
        waveform, rate, 16000, lowpass_filter_width=64,
        rolloff=0.9475937167399596, resampling_method='sinc_interp_kaiser',
        beta=14.769656459379492)
    torch.testing.assert_close(resample(waveform, rate, 16000), expected,
                               rtol=0, atol=1e-5)


def test_a_rate_with_a_huge_ratio_costs_no_memory():
    out = resample(torch.rand(16001), 16001, 16000)
    assert abs(len(out) - 16000) <= 1


def test_max_seconds_gives_the_beginning_of_the_whole(tmp_path):
    generator = np.random.default_rng(0)
    noise = (generator.normal(size=(3 * 44100, 2)) * 3000).astype(np.int16)
    wavfile.write(tmp_path / 'a.wav', 44100, noise)
    whole = read_waveform(tmp_path / 'a.wav')
    part = read_waveform(tmp_path / 'a.wav', max_seconds=2)
    assert len(part) == 32000
    torch.testing.assert_close(part, whole[:32000], atol=1e-6, rtol=0)


@given(st.floats(-20, 40))
@settings(max_examples=20, deadline=None)
def test_noise_has_the_asked_ratio(snr_db):
    generator = torch.Generator().manual_seed(0)
    waveform = torch.randn(16000, generator=generator) * 0.1
    noise = torch.randn(16000, generator=generator)
    added = noise_at_snr(waveform, noise, snr_db) - waveform
    found = 10 * torch.log10(waveform.square().mean()
                             / added.square().mean())
    assert abs(found.item() - snr_db) < 0.05


def test_noise_on_silence_stays_silence():
    silence = torch.zeros(100)
    assert not noise_at_snr(silence, torch.ones(100), 0.0).any()
