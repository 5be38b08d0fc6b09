# Copyright (c) OpenMMLab. All rights reserved.
"""Eight timbres that one second of a log-mel tells apart.

Every function returns ``num_samples`` of mono float64 sound at its natural
loudness; :func:`make_sound` levels it. Pitch, tempo and phase are drawn per
clip. Rhythmic timbres strike at least four times a second, so that any single
second identifies them.
"""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

Timbre = Callable[[Generator, int, int], np.ndarray]


def _times(num_samples: int, rate: int) -> np.ndarray:
    return np.arange(num_samples) / rate


def _strikes(rng: Generator, num_samples: int, rate: int, per_second: float
             ) -> np.ndarray:
    """Onsets, in samples, of a slightly uneven rhythm."""
    step = rate / per_second
    count = int(num_samples / step) + 2
    onsets = (np.arange(count) + rng.uniform(-1, 0)) * step
    onsets = onsets + rng.uniform(-0.12, 0.12, count) * step
    onsets = np.round(onsets).astype(int)
    return onsets[(onsets >= 0) & (onsets < num_samples)]


def _add(sound: np.ndarray, event: np.ndarray, onset: int) -> None:
    end = min(len(sound), onset + len(event))
    sound[onset:end] += event[:end - onset]


def _band_noise(rng: Generator, num_samples: int, rate: int, low: float,
                high: float) -> np.ndarray:
    """Noise of unit power whose spectrum lies between two frequencies."""
    spectrum = np.fft.rfft(rng.standard_normal(num_samples))
    hertz = np.fft.rfftfreq(num_samples, 1 / rate)
    edges = (1 / (1 + np.exp((low - hertz) / 40))
             / (1 + np.exp((hertz - high) / 120)).clip(max=1e6))
    noise = np.fft.irfft(spectrum * edges, num_samples)
    return noise / (noise.std() + 1e-9)


def _harmonics(phase: np.ndarray, amplitudes: np.ndarray) -> np.ndarray:
    orders = np.arange(1, len(amplitudes) + 1)
    return amplitudes @ np.sin(orders[:, None] * phase[None])


def tabla(rng: Generator, num_samples: int, rate: int) -> np.ndarray:
    """Low drum strokes: a falling sine with a click of noise."""
    sound = np.zeros(num_samples)
    time = _times(int(0.16 * rate), rate)
    pitch = rng.uniform(150, 210)
    for onset in _strikes(rng, num_samples, rate, rng.uniform(5, 7)):
        phase = 2 * np.pi * (pitch * time + 3 * (1 - np.exp(-time / 0.03)))
        stroke = np.sin(phase) * np.exp(-time / 0.05)
        click = rng.standard_normal(len(time)) * np.exp(-time / 0.004)
        _add(sound, rng.uniform(0.7, 1) * (stroke + 0.3 * click), onset)
    return sound


def helicopter(rng: Generator, num_samples: int, rate: int) -> np.ndarray:
    """Broad low noise, chopped about twelve times a second."""
    noise = _band_noise(rng, num_samples, rate, 200, 1800)
    beat = rng.uniform(10, 14) * _times(num_samples, rate) + rng.random()
    return noise * (0.03 + np.exp(-4 * (beat % 1)))


def bell(rng: Generator, num_samples: int, rate: int) -> np.ndarray:
    """Frequency-modulated bell strokes (Chowning's recipe)."""
    sound = np.zeros(num_samples)
    time = _times(int(0.5 * rate), rate)
    pitch = rng.uniform(1300, 1800)
    for onset in _strikes(rng, num_samples, rate, rng.uniform(4, 5)):
        decay = np.exp(-time / 0.12)
        wobble = 1.6 * decay * np.sin(2 * np.pi * 1.414 * pitch * time)
        stroke = decay * np.sin(2 * np.pi * pitch * time + wobble)
        _add(sound, rng.uniform(0.7, 1) * stroke, onset)
    return sound


def bus(rng: Generator, num_samples: int, rate: int) -> np.ndarray:
    """A square-wave buzz, like an engine: odd harmonics, gently pulsing."""
    time = _times(num_samples, rate)
    slow = np.sin(2 * np.pi * rng.uniform(0.5, 1.5) * time
                  + rng.uniform(0, 2 * np.pi))
    pitch = rng.uniform(110, 160)
    phase = 2 * np.pi * pitch * time + 1.5 * slow + rng.uniform(0, 6)
    orders = np.arange(1, 12)
    amplitudes = np.where(orders % 2 == 1, 1 / orders, 0)
    return _harmonics(phase, amplitudes) * (1 + 0.2 * slow)


def bird(rng: Generator, num_samples: int, rate: int) -> np.ndarray:
    """Short chirps that sweep upwards between 3 and 6 kHz."""
    sound = np.zeros(num_samples)
    start, sweep = rng.uniform(2900, 3600), rng.uniform(1500, 2400)
    for onset in _strikes(rng, num_samples, rate, rng.uniform(5, 8)):
        length = rng.uniform(0.06, 0.09)
        time = _times(int(length * rate), rate)
        phase = 2 * np.pi * (start * time + sweep / (2 * length) * time ** 2)
        chirp = np.sin(phase) * np.sin(np.pi * time / length)
        _add(sound, rng.uniform(0.7, 1) * chirp, onset)
    return sound


def emergency_car(rng: Generator, num_samples: int, rate: int) -> np.ndarray:
    """A pure tone with a wide, slow vibrato: a siren."""
    time = _times(num_samples, rate)
    centre, depth = rng.uniform(750, 950), rng.uniform(0.22, 0.3)
    speed = rng.uniform(1.5, 2.5)
    swing = np.cos(2 * np.pi * speed * time + rng.uniform(0, 2 * np.pi))
    phase = 2 * np.pi * centre * time - centre * depth / speed * swing
    return np.sin(phase)


def guitar(rng: Generator, num_samples: int, rate: int) -> np.ndarray:
    """Plucked strings: decaying harmonics, notes of one chord in turn."""
    sound = np.zeros(num_samples)
    time = _times(int(0.45 * rate), rate)
    root = rng.uniform(260, 340)
    orders = np.arange(1, 9)
    for onset in _strikes(rng, num_samples, rate, rng.uniform(4, 5.5)):
        pitch = root * rng.choice([1, 5 / 4, 3 / 2])
        partials = np.sin(2 * np.pi * pitch * orders[:, None] * time)
        decays = np.exp(-time * (4 + 2.5 * orders[:, None]))
        _add(sound, (partials * decays / orders[:, None] ** 0.7).sum(0),
             onset)
    return sound


def saw(rng: Generator, num_samples: int, rate: int) -> np.ndarray:
    """A steady high hiss with a rasping buzz in it."""
    low = rng.uniform(2200, 2700)
    noise = _band_noise(rng, num_samples, rate, low, low + 3500)
    phase = 2 * np.pi * rng.uniform(50, 80) * _times(num_samples, rate)
    return noise * (0.75 + 0.25 * np.sin(phase))


def make_sound(timbre: Timbre, rng: Generator, sounding: np.ndarray,
               rate: int) -> np.ndarray:
    """One object's share of a clip's sound.

    Args:
        timbre (Callable): One of this module's timbres.
        rng (Generator): Source of pitch, tempo, phase and level.
        sounding (np.ndarray): Bool, (T,): the seconds in which it sounds.
        rate (int): Samples per second.

    Returns:
        np.ndarray: Float64, (T * rate,), zero outside the sounding seconds;
        full scale is 1 and the level within them about -24 to -16 dB.
    """
    sound = timbre(rng, len(sounding) * rate, rate)
    level = 10 ** (rng.uniform(-24, -16) / 20)
    sound = sound * (level / (np.sqrt(np.mean(sound ** 2)) + 1e-9))
    gate = np.repeat(sounding.astype(np.float64), rate)
    ramp = max(1, rate // 100)
    for second in np.flatnonzero(sounding):
        fade = np.sin(np.linspace(0, np.pi / 2, ramp)) ** 2
        start, end = second * rate, (second + 1) * rate
        if second == 0 or not sounding[second - 1]:
            gate[start:start + ramp] = fade
        if second + 1 == len(sounding) or not sounding[second + 1]:
            gate[end - ramp:end] = fade[::-1]
    return sound * gate
