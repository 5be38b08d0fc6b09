# Copyright (c) OpenMMLab. All rights reserved.
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmavs.io.fit import fit_weights, resize_table
from mmavs.models.decode_heads.clever_layers import resize_positions

from ..small_models import small_model


@settings(deadline=None, max_examples=20)
@given(old=st.integers(1, 9), new=st.integers(1, 9))
def test_a_resized_table_is_what_clever_would_interpolate(old, new):
    table = torch.randn(old**2, 3)
    found = resize_table(table, new)
    torch.testing.assert_close(found, resize_positions(table, (new, new)))
    flat = resize_table(torch.ones(old**2, 2), new)
    torch.testing.assert_close(flat, torch.ones(new**2, 2))


def test_every_name_is_accounted_for():
    weights = {'a.pos_embed': torch.randn(4, 3), 'a.weight': torch.ones(2),
               'b.weight': torch.ones(2, 2), 'gone': torch.ones(1),
               'c.pos_embed': torch.ones(4, 3), 'd.pos_embed': torch.ones(5)}
    wanted = {'a.pos_embed': torch.zeros(9, 3), 'a.weight': torch.zeros(2),
              'b.weight': torch.zeros(3, 2), 'new': torch.zeros(1),
              'c.pos_embed': torch.zeros(9, 4), 'd.pos_embed': torch.ones(6)}
    report = fit_weights(weights, wanted)
    assert sorted(report.weights) == ['a.pos_embed', 'a.weight']
    assert report.weights['a.weight'] is weights['a.weight']
    assert report.resized == ['a.pos_embed (4, 3) -> (9, 3)']
    assert [text.split()[0] for text in report.left_out] == [
        'b.weight', 'gone', 'c.pos_embed', 'd.pos_embed']
    assert report.new == ['b.weight', 'new', 'c.pos_embed', 'd.pos_embed']
    for word in ('2 tensors fit', 'resized a.pos_embed', 'left out b.weight',
                 'starting anew b.weight'):
        assert word in str(report)


@pytest.mark.parametrize('backbone', ['r50', 'pvt'])
def test_s4_fits_ms3(backbone):
    s4, ms3 = (small_model(f'selm/selm_{backbone}_{name}.py')
               for name in ('s4', 'ms3_s4-init'))
    report = fit_weights(s4.state_dict(), ms3.state_dict())
    step = 'decode_head.mask_head.upsample.1.'
    if backbone == 'r50':  # 224 to 448, and two doublings to one
        assert [text.split()[0] for text in report.resized] == [
            f'decode_head.layers.{n}.pos_embed' for n in range(3)]
        assert report.left_out and report.new == []
        assert all(text.startswith(step) for text in report.left_out)
    else:  # one doubling to two
        assert report.resized == report.left_out == []
        assert report.new
        assert all(name.startswith(step) for name in report.new)
    state = ms3.load_state_dict(report.weights, strict=False)
    assert state.missing_keys == report.new
    assert state.unexpected_keys == []
