# Copyright (c) OpenMMLab. All rights reserved.
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mmavs.datasets.transforms import RandomClipZoom
from mmavs.datasets.transforms.zoom import cut


def _clip(key=(0, 0, 0), size=(48, 64), mask_size=(24, 32)):
    y, x = np.mgrid[:size[0], :size[1]]
    disc = (y - 20) ** 2 + (x - 30) ** 2 < 150
    frame = np.repeat(disc[..., None] * np.uint8(255), 3, axis=2)
    mask = np.asarray(Image.fromarray(frame[..., 0]).resize(
        mask_size[::-1], Image.Resampling.NEAREST)) // 255
    return dict(frames=[frame] * 2, masks=[mask] * 2, aug_key=key)


def test_whole_window_changes_nothing():
    image = np.random.default_rng(0).integers(
        0, 256, (7, 9, 3), dtype=np.uint8)
    same = cut(image, (0.0, 0.0, 1.0, 1.0), Image.Resampling.BILINEAR)
    assert np.array_equal(image, same)


def test_mirrors_outside():
    image = np.arange(6, dtype=np.uint8)[None].repeat(2, axis=0)
    wide = cut(image, (0.0, -0.5, 1.0, 2.0), Image.Resampling.NEAREST)
    full = [2, 1, 0, 0, 1, 2, 3, 4, 5, 5, 4, 3]
    picked = np.asarray(Image.fromarray(
        np.array([full] * 2, np.uint8)).resize(
            (6, 2), Image.Resampling.NEAREST))
    assert np.array_equal(wide, picked)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_keeps_sizes_and_moves_masks_with_frames(index):
    clip = RandomClipZoom(scale=(0.5, 2.0))(_clip((1, 2, index)))
    frame, mask = clip['frames'][0], clip['masks'][0]
    assert frame.shape == (48, 64, 3) and mask.shape == (24, 32)
    assert frame.dtype == mask.dtype == np.uint8
    assert set(np.unique(mask)) <= {0, 1}
    assert np.array_equal(frame, clip['frames'][1])
    seen = np.asarray(Image.fromarray(frame[..., 0]).resize(
        (32, 24), Image.Resampling.BILINEAR)) > 127
    assert (seen != mask).mean() < 0.08


def test_same_key_same_window():
    first, again = (RandomClipZoom()(_clip((3, 1, 4))) for _ in range(2))
    other = RandomClipZoom()(_clip((3, 2, 4)))
    assert np.array_equal(first['frames'][0], again['frames'][0])
    assert not np.array_equal(first['frames'][0], other['frames'][0])
    untouched = RandomClipZoom(prob=0.0)(_clip())
    assert np.array_equal(untouched['frames'][0], _clip()['frames'][0])


@pytest.mark.parametrize('options, match', [
    (dict(scale=(0.3, 1.0)), 'scale'), (dict(scale=(2.0, 1.0)), 'scale'),
    (dict(aspect=0.5), 'aspect'), (dict(prob=1.5), 'prob')])
def test_refuses_bad_options(options, match):
    with pytest.raises(ValueError, match=match):
        RandomClipZoom(**options)
