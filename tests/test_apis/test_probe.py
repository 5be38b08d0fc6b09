# Copyright (c) OpenMMLab. All rights reserved.
import numpy as np
import pytest
import torch

from mmavs.apis import AVSInferencer, init_model
from mmavs.apis.inference.inputs import make_source
from mmavs.apis.inference.probe import Probe


@pytest.fixture(scope='module')
def model(repo_dir):
    torch.manual_seed(0)
    return init_model(repo_dir / 'configs/selm/selm_tiny_synthetic.py')


@pytest.fixture
def clip():
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (7, 48, 64, 3), dtype=np.uint8)
    sound = rng.normal(0, 0.1, 7 * 16000).astype(np.float32)
    return frames, 1, sound, 16000


def windows(model, clip, **kwargs):
    inferencer = AVSInferencer(model, show_progress=False)
    return list(inferencer.predict_windows(
        make_source(clip), seconds=5, heatmaps=True, **kwargs))


def test_heat_maps_and_gates_of_every_mask(model, clip):
    first, second = windows(model, clip)
    assert [len(h) for h in first.heatmaps] == [5] * len(first.heatmaps)
    assert len(first.heatmaps) == len(model.decode_head.layers)
    assert all(0 <= h.min() and h.max() <= 1 for h in first.heatmaps)
    assert {len(v) for v in second.gates.values()} == {2}
    stages = len(model.neck.audio_gates)
    assert list(first.gates) == [
        f'{kind} {i}' for kind in ('audio', 'visual')
        for i in range(1, stages + 1)]


def test_batches_with_clips_of_different_length_change_nothing(model, clip):
    one, many = windows(model, clip), windows(model, clip, batch_size=2)
    for a, b in zip(one, many):
        for name in a.gates:
            np.testing.assert_allclose(a.gates[name], b.gates[name],
                                       atol=1e-5)
        for x, y in zip(a.heatmaps, b.heatmaps):
            assert (x == y).mean() > 0.999


def test_passes_are_put_in_the_order_of_time(model, clip):
    frames, _, sound, rate = clip
    twice = (np.repeat(frames, 2, axis=0), 2, np.zeros_like(sound), rate)
    once, both = (windows(model, item, fps=fps)[0] for item, fps in (
        ((frames, 1, np.zeros_like(sound), rate), 1), (twice, 2)))
    # With silence both passes see the same, a frame apart in time.
    for expected, found in zip(once.heatmaps, both.heatmaps):
        assert len(found) == 10
        for shift in range(2):
            assert (found[shift::2] == expected).mean() > 0.999
    for name, expected in once.gates.items():
        np.testing.assert_allclose(both.gates[name][::2], expected,
                                   atol=1e-5)


def test_the_model_is_left_as_it_was(model, clip):
    hooks = len(model.decode_head._forward_hooks)
    with Probe(model):
        assert len(model.decode_head._forward_hooks) == hooks + 1
    assert len(model.decode_head._forward_hooks) == hooks
    assert not any(gate._forward_hooks for gate in model.neck.audio_gates)


def test_rows_on_the_sheet(model, clip, tmp_path):
    inferencer = AVSInferencer(model, show_progress=False)
    plain, shown = (inferencer(
        clip, out_dir=tmp_path, outputs=['sheet'],
        heatmaps=on)['visualization'][0] for on in (False, True))
    layers = len(model.decode_head.layers)
    assert shown.shape[0] > plain.shape[0] + layers * 48


def test_models_without_either_are_named(repo_dir, clip):
    other = AVSInferencer(init_model(
        repo_dir / 'configs/film_fpn/film-fpn_tiny_synthetic.py'),
        show_progress=False)
    with pytest.raises(ValueError, match='this model has neither'):
        other(clip, heatmaps=True)
