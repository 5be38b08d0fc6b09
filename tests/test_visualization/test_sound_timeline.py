# Copyright (c) OpenMMLab. All rights reserved.
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmavs.visualization.palette import PREDICTION
from mmavs.visualization.sound_timeline import (
    _ticks,
    draw_shares,
    draw_spectrogram,
    sound_timeline,
)


def tone(hertz, seconds=1.):
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(
        int(16000 * seconds)) / 16000).astype(np.float32)


def test_size_and_content():
    page = sound_timeline(tone(440, 3), [0.1, 0., 0.3], width=500,
                          height=200)
    assert page.shape == (200, 500, 3) and page.dtype == np.uint8
    painted = (page == PREDICTION).all(-1)
    columns = np.flatnonzero(painted.any(0))
    # Something is marked in the first and the last third of the axis.
    left, right = columns.min(), columns.max()
    middle = (left + right) // 2
    assert painted[:, left].sum() < painted[:, right].sum()
    assert not painted[:, middle].any()


def test_pitch_goes_up():
    low, high = (draw_spectrogram(tone(f), (64, 50)).sum(-1) for f in
                 (200, 4000))
    assert low.sum(1).argmax() > high.sum(1).argmax() + 10


def test_silence_is_dark_however_long():
    for samples in (10, 16000):
        picture = draw_spectrogram(np.zeros(samples, np.float32), (32, 40))
        assert picture.shape == (32, 40, 3) and picture.max() < 40


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_shares_fill_in_proportion(shares):
    picture = draw_shares(shares, (102, 400))
    filled = (picture == PREDICTION).all(-1).sum(0)  # per column
    edges = np.linspace(0, 400, len(shares) + 1).round().astype(int)
    top = max(shares)
    for share, left in zip(shares, edges):
        if top > 1e-6:
            assert filled[left] == pytest.approx(100 * share / top, abs=1)
        else:
            assert filled[left] <= 100


@pytest.mark.parametrize('seconds', [0.3, 1, 5, 61, 3599, 86400])
def test_ticks_are_few_and_inside(seconds):
    ticks = _ticks(seconds)
    assert 1 <= len(ticks) <= 11 and 0 <= ticks[0] and ticks[-1] <= seconds


def test_nothing_to_draw():
    with pytest.raises(ValueError, match='needs sound and shares'):
        sound_timeline(np.zeros(0, np.float32), [0.1])
