# Copyright (c) OpenMMLab. All rights reserved.
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmavs.io.rle import decode_rle, encode_rle


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0, 1),
       st.integers(0, 2**31))
@settings(max_examples=60, deadline=None)
def test_masks_come_back(height, width, share, seed):
    mask = np.random.default_rng(seed).random((height, width)) < share
    rle = encode_rle(mask)
    assert rle['size'] == [height, width]
    assert np.array_equal(decode_rle(rle), mask)


@pytest.mark.parametrize('mask,counts', [
    # Runs in column order, as pycocotools packs them.
    ([[0, 1], [1, 1]], '13'),
    ([[1, 0], [0, 0]], '013'),
    ([[0, 0], [0, 0]], '4'),
    ([[1, 1], [1, 1]], '04'),
])
def test_strings_are_those_of_coco(mask, counts):
    assert encode_rle(np.array(mask))['counts'] == counts


def test_long_runs_take_several_characters():
    mask = np.zeros((1000, 1), dtype=np.uint8)
    mask[500:] = 1
    # 500 = 15 * 32 + 20 -> '20 + more', '15' as five-bit groups.
    assert encode_rle(mask)['counts'] == 'd?d?'
    assert np.array_equal(decode_rle(encode_rle(mask)), mask)


def test_wrong_runs_are_refused():
    with pytest.raises(ValueError, match='add up to 5'):
        decode_rle(dict(size=[2, 2], counts='5'))
