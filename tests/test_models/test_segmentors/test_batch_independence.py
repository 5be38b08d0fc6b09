# Copyright (c) OpenMMLab. All rights reserved.
"""A clip's result does not depend on the batch it comes in.

For every distinct model among the shipped configs, made small.
"""

import pytest
import torch

from mmavs.registry import MODELS

from ...small_models import (
    CONFIGS,
    WIDTH,
    has_new_parts,
    slow_unless,
    small_model_config,
)
from ..helpers import close, wake


def distinct_models():
    found = {}
    for name in CONFIGS:
        found.setdefault(repr(small_model_config(name)), name)
    return slow_unless(has_new_parts, found.values())


each_model = pytest.mark.parametrize('name', distinct_models())


@pytest.fixture
def model(name):
    torch.manual_seed(0)
    cfg = small_model_config(name)
    cfg.data_preprocessor.pad_to = None
    return wake(MODELS.build(cfg)).eval()


def draw_clip(seed, seconds):
    gen = torch.Generator().manual_seed(seed)
    coarse = torch.randint(0, 256, (seconds, 3, 4, 8), generator=gen)
    frames = coarse.repeat_interleave(8, 2).repeat_interleave(8, 3)
    return frames.byte(), torch.rand(seconds, 1, WIDTH, generator=gen)


def scores(model, clips):
    """Scores (T, K, 32, 64) of each clip, in one batch."""
    frames, audio = zip(*clips, strict=True)
    data = dict(inputs=dict(frames=list(frames), audio_embedding=list(audio)))
    with torch.no_grad():
        inputs = model.data_preprocessor(data)['inputs']
        features = model.encode(inputs)
        found = model.decode_head.predict_by_feat(
            model.decode_head(features), features, (32, 64))
    assert not found[~inputs['valid']].any()
    return [row[:len(clip)] for row, clip in zip(found, frames, strict=True)]


@each_model
def test_neighbours_order_and_padding(model):
    clips = [draw_clip(0, 3), draw_clip(1, 2), draw_clip(2, 3)]
    alone = [scores(model, [clip])[0] for clip in clips]
    assert (alone[0] - alone[2]).abs().max() > 1e-3 * alone[0].abs().max()
    for order in ([2, 1, 0], [1, 2]):
        together = scores(model, [clips[index] for index in order])
        for index, found in zip(order, together, strict=True):
            close(found, alone[index])

    model.data_preprocessor.pad_to = 5
    close(scores(model, [clips[1]])[0], alone[1])
    assert torch.equal(scores(model, [clips[0]])[0],
                       scores(model, [clips[0]])[0])
