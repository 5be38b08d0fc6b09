# Copyright (c) OpenMMLab. All rights reserved.
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmavs.models.layers import (
    MultiScaleDeformableAttention,
    cell_centres,
    deformable_sampling,
    sine_positions,
)

from ..helpers import assert_all_gradients, close, wake


def look(maps, x, y):
    """Value of a map (H, W, D) at (x, y) in pixels, 0 beyond the border."""
    height, width, _ = maps.shape
    total = torch.zeros(maps.shape[-1], dtype=maps.dtype)
    for row in (math.floor(y), math.floor(y) + 1):
        for column in (math.floor(x), math.floor(x) + 1):
            if 0 <= row < height and 0 <= column < width:
                share = (1 - abs(y - row)) * (1 - abs(x - column))
                total = total + share * maps[row, column]
    return total


def slow_sampling(value, shapes, locations, weights):
    """The same, one number after the other."""
    num, queries, heads, levels, points, _ = locations.shape
    out = torch.zeros(num, queries, heads, value.shape[-1],
                      dtype=value.dtype)
    starts = [0]
    for height, width in shapes:
        starts.append(starts[-1] + height * width)
    for m in range(num):
        for q in range(queries):
            for h in range(heads):
                for k, (height, width) in enumerate(shapes):
                    maps = value[m, starts[k]:starts[k + 1], h].reshape(
                        height, width, -1)
                    for p in range(points):
                        x, y = locations[m, q, h, k, p].tolist()
                        out[m, q, h] += weights[m, q, h, k, p] * look(
                            maps, x * width - 0.5, y * height - 0.5)
    return out.flatten(2)


@settings(deadline=None, max_examples=15)
@given(shapes=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)),
                       min_size=1, max_size=3),
       num=st.integers(1, 2), queries=st.integers(1, 3),
       heads=st.integers(1, 2), points=st.integers(1, 3),
       seed=st.integers(0, 99))
def test_sampling_is_what_the_loops_say(shapes, num, queries, heads, points,
                                        seed):
    gen = torch.Generator().manual_seed(seed)
    size = sum(height * width for height, width in shapes)

    def draw(*shape):
        return torch.rand(shape, generator=gen, dtype=torch.float64)

    value = draw(num, size, heads, 3)
    places = (num, queries, heads, len(shapes), points)
    locations = 1.6 * draw(*places, 2) - 0.3  # some lie outside
    weights = draw(*places)
    torch.testing.assert_close(
        deformable_sampling(value, shapes, locations, weights),
        slow_sampling(value, shapes, locations, weights))


def test_attention_is_what_the_loops_say():
    torch.manual_seed(0)
    shapes = [(4, 6), (2, 3)]
    attn = wake(MultiScaleDeformableAttention(
        8, num_heads=2, num_levels=2, num_points=3)).double()
    reference = cell_centres(shapes).double()
    query, value = torch.randn(2, 2, 30, 8, dtype=torch.float64)
    found = attn(query, value, reference, shapes)
    offsets = attn.sampling_offsets(query).view(2, 30, 2, 2, 3, 2)
    sizes = torch.tensor([[6., 4.], [3., 2.]]).double()
    weights = attn.attention_weights(query).view(2, 30, 2, 6).softmax(-1)
    expected = attn.output_proj(slow_sampling(
        attn.value_proj(value).view(2, 30, 2, 4), shapes,
        reference[:, None, None, None] + offsets / sizes[:, None],
        weights.view(2, 30, 2, 2, 3)))
    close(found, expected)
    found.square().mean().backward()
    assert_all_gradients(attn)


def test_it_starts_with_a_ring_of_places():
    attn = MultiScaleDeformableAttention(32, num_levels=1)
    offsets = attn.sampling_offsets(torch.randn(5, 32)).view(5, 8, 4, 2)
    distance = offsets.abs().max(dim=-1).values  # on squares around the pixel
    torch.testing.assert_close(
        distance, torch.arange(1., 5).expand(5, 8, 4))
    assert len({tuple(o.tolist()) for o in offsets[0, :, 0].round(
        decimals=3)}) == 8


def test_heads_must_divide_the_channels():
    with pytest.raises(ValueError, match='num_heads'):
        MultiScaleDeformableAttention(20, num_heads=8)


def test_cell_centres():
    torch.testing.assert_close(cell_centres([(2, 1), (1, 2)]), torch.tensor(
        [[0.5, 0.25], [0.5, 0.75], [0.25, 0.5], [0.75, 0.5]]))


@settings(deadline=None, max_examples=10)
@given(height=st.integers(1, 6), width=st.integers(1, 6),
       quarter=st.integers(1, 6))
def test_sine_positions_as_detr_writes_them(height, width, quarter):
    channels = 4 * quarter
    found = sine_positions((height, width), channels).view(
        height, width, channels)
    half = channels // 2
    for axis, start in ((0, 0), (1, half)):  # rows first
        for index in range(half):
            rate = 1e4**-(2 * (index // 2) / half)
            wave = math.sin if index % 2 == 0 else math.cos
            for place in range((height, width)[axis]):
                cells = found.select(axis, place)[:, start + index]
                assert cells.tolist() == pytest.approx(
                    [wave((place + 1) * rate)] * len(cells), abs=1e-5)


def test_sine_positions_need_four():
    with pytest.raises(ValueError, match='multiple of 4'):
        sine_positions((2, 2), 6)
