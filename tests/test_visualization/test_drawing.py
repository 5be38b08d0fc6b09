# Copyright (c) OpenMMLab. All rights reserved.
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmavs.visualization.contact_sheet import (
    SheetRow,
    contact_sheet,
    time_label,
)
from mmavs.visualization.overlay import (
    mask_outline,
    overlay_mask,
    resize_mask,
)
from mmavs.visualization.palette import energy_colours, voc_palette
from mmavs.visualization.sound_strip import (
    column_samples,
    draw_log_mel,
    draw_waveform,
    log_mel_range,
)
from mmavs.visualization.text import (
    draw_legend,
    draw_text,
    fit_text,
    label_classes,
    text_width,
)

RED_BLUE = [(0, 0, 0), (255, 0, 0), (0, 0, 255)]


def test_voc_palette():
    colours = voc_palette(71)
    for index, expected in {
            0: (0, 0, 0), 1: (128, 0, 0), 2: (0, 128, 0), 3: (128, 128, 0),
            4: (0, 0, 128), 7: (128, 128, 128), 8: (64, 0, 0),
            63: (192, 192, 192), 64: (32, 0, 0), 70: (32, 128, 128)}.items():
        assert tuple(colours[index]) == expected
    assert len({tuple(c) for c in voc_palette(256)}) == 256


def test_energy_gets_brighter():
    colours = energy_colours(np.linspace(0, 1, 50)).astype(int).sum(axis=-1)
    assert (np.diff(colours) >= 0).all() and colours[-1] > colours[0] + 500
    outside = energy_colours(np.array([-1., 2., np.nan]))
    assert np.array_equal(outside, energy_colours(np.array([0., 1., 0.])))


@given(st.integers(0, 2**31), st.floats(0, 1))
@settings(max_examples=20, deadline=None)
def test_overlay_changes_the_object_only(seed, alpha):
    rng = np.random.default_rng(seed)
    frame = rng.integers(0, 256, (12, 15, 3), dtype=np.uint8)
    mask = rng.integers(0, 3, (12, 15), dtype=np.uint8)
    before = frame.copy()
    out = overlay_mask(frame, mask, RED_BLUE, alpha=alpha, outline=False)
    assert np.array_equal(frame, before)
    assert np.array_equal(out[mask == 0], frame[mask == 0])
    expected = frame * (1 - alpha) + np.array(RED_BLUE)[mask] * alpha
    assert np.abs(out - expected)[mask != 0].max(initial=0) <= 1.01


def test_outline_is_drawn_in_full_colour_inside_the_object():
    mask = np.zeros((10, 10), dtype=np.uint8)
    mask[2:8, 3:9] = 1
    edge = mask_outline(mask)
    assert edge.sum() == 20 and not edge[mask == 0].any()
    frame = np.full((10, 10, 3), 200, dtype=np.uint8)
    out = overlay_mask(frame, mask, RED_BLUE)
    assert (out[edge] == (255, 0, 0)).all()
    assert (out[5, 5] == (228, 100, 100)).all()


def test_mask_is_resized_without_new_classes():
    mask = np.array([[0, 2], [1, 0]], dtype=np.uint8)
    large = resize_mask(mask, (6, 4))
    assert np.array_equal(large, mask.repeat(3, 0).repeat(2, 1))
    assert overlay_mask(np.zeros((6, 4, 3), np.uint8), mask,
                        RED_BLUE).shape == (6, 4, 3)


def test_class_without_colour_is_named():
    with pytest.raises(ValueError, match='class 3'):
        overlay_mask(np.zeros((2, 2, 3), np.uint8),
                     np.full((2, 2), 3), RED_BLUE)


def test_log_mel_strip_shows_pitch_upwards_and_time_to_the_right():
    tokens = np.full((2, 1, 96, 64), np.log(0.01), dtype=np.float32)
    tokens[1, 0, :48, 60:] = 3  # high pitch in the second half second
    picture = draw_log_mel(tokens, (64, 96), log_mel_range(tokens))
    bright = picture.astype(int).sum(axis=-1)
    assert bright[:3, 60:].min() > bright[20:, :].max()
    assert bright[:3, :40].max() == bright[40:, 60:].max()


def test_silence_is_dark():
    silent = np.full((1, 1, 1, 96, 64), np.log(0.01), dtype=np.float32)
    picture = draw_log_mel(silent[0], (20, 20), log_mel_range(silent))
    assert picture.max() < 20


def test_log_mel_of_a_wrong_shape_is_refused():
    with pytest.raises(ValueError, match=r'\(N, 1, 96, 64\)'):
        draw_log_mel(np.zeros((96, 64)), (8, 8), (0, 1))


def test_waveform_height_follows_the_amplitude():
    quiet = draw_waveform(np.zeros(100), (41, 30), 1.)
    wave = np.tile([0.5, -0.5], 500)
    loud = draw_waveform(wave, (41, 30), 0.5)
    half = draw_waveform(wave, (41, 30), 1.)
    line = quiet[20, 0]
    heights = [(p == line).all(axis=-1).sum(axis=0) for p in
               (quiet, half, loud)]
    assert (heights[0] == 1).all() and (heights[2] == 41).all()
    assert (abs(heights[1] - 21) <= 1).all()


def test_samples_under_a_column():
    wave = np.arange(25.)
    assert column_samples(wave, 10, 1, 1.).tolist() == list(range(10, 20))
    last = column_samples(wave, 10, 2, 1.)
    assert last.tolist() == [20, 21, 22, 23, 24, 0, 0, 0, 0, 0]
    assert column_samples(wave, 10, 7, 1.).tolist() == [0] * 10
    assert len(draw_waveform(wave[:0], (9, 5), 1.)[0]) == 5


def test_text_is_written_where_asked():
    image = np.zeros((40, 120, 3), dtype=np.uint8)
    draw_text(image, 'dog ☃', (50, 10), size=14)
    assert image[:, 50:].any() and not image[:, :45].any()
    assert text_width('dog dog', 14) > text_width('dog', 14)


def test_legend_wraps():
    names = [f'long class name {i}' for i in range(6)]
    colours = voc_palette(7)[1:]
    narrow = draw_legend(names, colours, 200, size=12)
    wide = draw_legend(names, colours, 2000, size=12)
    assert narrow.shape[1] == 200 and len(narrow) == 6 * len(wide)
    for colour in colours:
        assert (narrow == colour).all(axis=-1).sum() >= 144
    assert draw_legend([], [], 100, size=12).shape == (0, 100, 3)


def sheet(num, **kwargs):
    frames = [np.full((30, 40, 3), 4 * i + 2, np.uint8) for i in range(num)]
    return contact_sheet([SheetRow('frame', frames)], **kwargs)


def test_strips_stand_under_their_seconds():
    num, quiet = 4, np.log(0.01)
    log_mel = np.full((num, 1, 1, 96, 64), quiet, dtype=np.float32)
    wave = np.zeros(num * 100, dtype=np.float32)
    silent = sheet(num, log_mel=log_mel, waveform=wave, sample_rate=100)
    # The loudest mel value fits the range that silence is drawn with.
    log_mel[2, ..., ::2, :], wave[200:300] = quiet + 4, 0.05
    page = sheet(num, log_mel=log_mel, waveform=wave, sample_rate=100)
    changed = np.flatnonzero((page != silent).any(axis=(0, 2)))
    # The frame of second 2 is the only one of its grey.
    frame = np.flatnonzero((page == 10).all(axis=-1).any(axis=0))
    assert np.array_equal(changed, frame) and len(frame) == 224


def test_long_clips_shrink_to_the_page():
    assert sheet(5, max_width=700).shape[1] <= 700
    assert sheet(60, max_width=700).shape[1] > 60 * 48
    assert sheet(2, title='clip').shape[0] > sheet(2).shape[0]


def test_what_cannot_be_drawn_is_explained():
    with pytest.raises(ValueError, match='same, positive number'):
        contact_sheet([])
    with pytest.raises(ValueError, match='log-mels of 2 seconds'):
        sheet(3, log_mel=np.zeros((2, 1, 1, 96, 64)))
    with pytest.raises(ValueError, match='sample_rate'):
        sheet(3, waveform=np.zeros(10))


@given(st.text(min_size=4, max_size=60), st.integers(60, 300))
@settings(max_examples=30, deadline=None)
def test_long_lines_lose_their_middle(text, width):
    short = fit_text(text, width, 12)
    assert text_width(short, 12) <= width
    if text_width(text, 12) <= width:
        assert short == text
    else:
        assert short[0] == text[0] and '...' in short


def test_a_long_title_stays_on_the_page():
    cell = np.zeros((20, 30, 3), np.uint8)
    page = contact_sheet([SheetRow('frame', [cell])], title='video ' * 40)
    plain = contact_sheet([SheetRow('frame', [cell])], title='v')
    assert page.shape == plain.shape
    assert (page[:20, -4:] == page[0, -1]).all()


@pytest.mark.parametrize('seconds,digits,text', [
    (0.9375, 1, '0.9 s'), (0.25, 2, '0.25 s'), (0.75, 2, '0.75 s'),
    (59.97, 1, '1:00.0'), (59.9375, 1, '59.9 s'), (64.75, 2, '1:04.75'),
    (3600., 1, '60:00.0')])
def test_labels_of_times(seconds, digits, text):
    assert time_label(seconds, digits) == text


def test_names_of_classes_can_be_read_whatever_their_colour():
    frame = np.full((60, 120, 3), 90, np.uint8)
    colours = [(0, 0, 60), (200, 250, 200)]
    label_classes(frame, ['dark', 'pale'], colours, (4, 4), size=12)
    for line, colour in enumerate(colours):
        top = 4 + line * 20
        assert (frame[top:top + 12, 4:16] == colour).all()
        words = frame[top:top + 12, 20:].astype(int)
        assert words.max() > 200 and words.min() < 40
    assert (frame[50:] == 90).all()
