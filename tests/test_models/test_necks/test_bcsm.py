# Copyright (c) OpenMMLab. All rights reserved.
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from mmavs.models.necks import BCSM
from mmavs.registry import MODELS

from ..helpers import (
    assert_all_gradients,
    close,
    make_features,
    take_clips,
    wake,
)


def build(**options):
    torch.manual_seed(0)
    return BCSM([32] * 4, 16, **{'depth': 2, **options}).eval()


@settings(deadline=None, max_examples=10)
@given(clips=st.integers(1, 3), seconds=st.integers(1, 6),
       tokens=st.integers(1, 4))
def test_shapes(clips, seconds, tokens):
    features = make_features(
        clips=clips, seconds=seconds, tokens=tokens, size=(32, 64))
    out = build(depth=1)(features)
    assert [x.shape for x in out.maps] == [x.shape for x in features.maps]
    assert out.audio.shape == features.audio.shape


def test_widths_may_differ():
    widths = [8, 16, 24, 32]
    neck = BCSM(widths, 16, depth=1)
    out = neck(make_features(width=widths))
    assert neck.out_channels == widths
    assert [x.shape[1] for x in out.maps] == widths


@pytest.mark.parametrize('directions', [('a2v',), ('v2a',), ('a2v', 'v2a')])
def test_directions(directions):
    features = make_features()
    out = build(directions=directions)(features)
    for x, y in zip(features.maps, out.maps, strict=True):
        assert torch.equal(x, y) == ('a2v' not in directions)
    assert torch.equal(
        features.audio, out.audio) == ('v2a' not in directions)


def test_gates_as_the_paper_writes_them():
    """x_s + g_audio,s x_s and a + mean(g_visual,s) a, at one token."""
    features, neck = make_features(), build()
    out = neck(features)
    shape = features.valid.shape
    gates = []
    for s, x in enumerate(features.maps):
        g = neck.audio_gates[s](features.audio[:, :, 0])  # (B, T, C)
        expected = x.unflatten(0, shape) * (1 + g[..., None, None])
        close(out.maps[s], expected.flatten(0, 1))
        pooled = x.mean(dim=(2, 3)).unflatten(0, shape)
        gates.append(neck.visual_gates[s](pooled))
    factor = 1 + sum(gates) / 4
    close(out.audio[:, :, 0], features.audio[:, :, 0] * factor)


def test_residual():
    torch.manual_seed(0)
    released, raw = build(residual='norm'), build(residual='raw')
    raw.load_state_dict(released.state_dict())
    layer = released.audio_gates[0].encoder[0]
    u = torch.randn(2, 3, 16)
    n = layer.norm(u)
    close(layer(u), n + layer.mamba(n))
    close(raw.audio_gates[0].encoder[0](u), u + layer.mamba(n))


def test_several_tokens_are_read_in_time_order():
    """A token of second 1 changes seconds 1 and later, not second 0."""
    neck = wake(build(directions=('a2v',)))
    features = make_features(clips=1, seconds=3, tokens=2)
    before = neck(features).maps[0]
    audio = features.audio.clone()
    audio[0, 1, 0] += torch.randn(16)
    after = neck(features.replace(audio=audio)).maps[0]
    changed = (after - before).abs().flatten(1).amax(dim=1) > 1e-6
    assert changed.tolist() == [False, True, True]


def test_clips_are_independent():
    neck = wake(build())
    features = make_features(clips=3, seconds=4, tokens=2)
    together = neck(features)
    for order in ([1], [2, 0, 1]):
        found = neck(take_clips(features, order))
        expected = take_clips(together, order)
        close(found.audio, expected.audio)
        for x, y in zip(found.maps, expected.maps, strict=True):
            close(x, y)


def test_padding_changes_nothing():
    neck = wake(build())
    features = make_features(clips=2, seconds=5, lengths=[3, 5])
    padded = neck(features)
    alone = neck(take_clips(features, [0], seconds=3))
    cut = take_clips(padded, [0], seconds=3)
    close(alone.audio, cut.audio)
    for x, y in zip(alone.maps, cut.maps, strict=True):
        close(x, y)
    assert not padded.audio[0, 3:].any()
    assert not padded.maps[0].unflatten(0, (2, 5))[0, 3:].any()


def test_gradients_reach_everything():
    neck = wake(build()).train()
    out = neck(make_features(seconds=4))
    (sum(x.square().mean() for x in out.maps)
     + out.audio.square().mean()).backward()
    assert_all_gradients(neck)


def test_size_of_the_paper():
    neck = MODELS.build(dict(type='BCSM', in_channels=[256] * 4))
    assert sum(p.numel() for p in neck.parameters()) == 11_308_032


@settings(deadline=None, max_examples=12)
@given(clips=st.integers(1, 3), seconds=st.integers(1, 4),
       tokens=st.integers(1, 2), wide=st.booleans(),
       residual=st.sampled_from(['norm', 'raw']),
       directions=st.sampled_from([('a2v',), ('v2a',), ('a2v', 'v2a')]))
def test_stacked_encoders_equal_single_ones(clips, seconds, tokens, wide,
                                            residual, directions):
    """Value and gradient, whether the encoders have one width or several."""
    widths = [8, 16, 16, 24] if wide else [16] * 4
    features = make_features(clips=clips, seconds=seconds, tokens=tokens,
                             width=widths, size=(32, 32))
    runs = []
    for stacked in (True, False):
        neck = wake(BCSM(widths, 16, directions=directions, depth=2,
                         residual=residual, stacked=stacked))
        if runs:
            neck.load_state_dict(runs[0][0].state_dict())
        out = neck(features)
        (sum(x.square().mean() for x in out.maps)
         + out.audio.square().mean()).backward()
        runs.append((neck, out))
    (stacked, found), (single, expected) = runs
    for x, y in zip([*found.maps, found.audio],
                    [*expected.maps, expected.audio], strict=True):
        close(x, y)
    grads = dict(single.named_parameters())
    for name, parameter in stacked.named_parameters():
        close(parameter.grad, grads[name].grad, 1e-3)


class Launches(TorchDispatchMode):
    """Count what a GPU would start a kernel for."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        self.count += not (func.is_view or name in ('empty', 'detach',
                                                    '_unsafe_view'))
        return func(*args, **(kwargs or {}))


def test_stacked_encoders_need_a_fifth_of_the_launches():
    features = make_features(clips=1, seconds=5, width=256, audio_width=256)
    counts = []
    for stacked in (True, False):
        neck = BCSM([256] * 4, 256, stacked=stacked)
        with torch.no_grad(), Launches() as launches:
            neck(features)
        counts.append(launches.count)
    assert 100 < 5 * counts[0] <= counts[1]


def test_stacked_encoders_in_half_precision():
    features = make_features(width=16)
    neck = wake(BCSM([16] * 4, 16, depth=2, stacked=True))
    exact = neck(features)
    with torch.autocast('cpu', torch.bfloat16):
        found = neck(features)
    assert found.maps[0].dtype == features.maps[0].dtype
    for x, y in zip(found.maps, exact.maps, strict=True):
        close(x, y, 3e-2)


def test_gates_that_are_watched_run_one_by_one():
    neck = build(stacked=True)
    seen = []
    neck.audio_gates[1].register_forward_hook(
        lambda gate, args, out: seen.append(out))
    features = make_features()
    watched = neck(features)
    assert len(seen) == 1
    close(watched.maps[1], build(stacked=True)(features).maps[1])


@pytest.mark.parametrize('wrong, message', [
    (dict(residual='none'), "residual must be one of .*'none'"),
    (dict(directions=('up',)), 'directions must be one or both of'),
    (dict(backend='fast'), 'backend must be one of'),
])
def test_wrong_arguments(wrong, message):
    with pytest.raises(ValueError, match=message):
        BCSM([32] * 4, 16, **wrong)
