# Copyright (c) OpenMMLab. All rights reserved.
"""Options of a config that change how a model runs, not what it computes."""

import pytest
import torch

from mmavs.registry import MODELS

from ...small_models import WIDTH, small_model, small_model_config


@pytest.mark.parametrize('name', [
    'selm/selm_pvt_ms3.py',
    pytest.param('selm/selm_r50_avss.py', marks=pytest.mark.slow)])
@pytest.mark.parametrize('stacked', [
    False, pytest.param(True, marks=pytest.mark.slow)])
def test_tensor_mode_is_one_graph(name, stacked):
    torch.manual_seed(0)
    model = small_model(name).eval()
    model.neck.stacked = stacked
    inputs = dict(frames=torch.randn(1, 2, 3, 64, 64),
                  audio_embedding=torch.randn(1, 2, 1, WIDTH),
                  valid=torch.tensor([[True, False]]))
    traced = torch.compile(model, fullgraph=True, backend='eager')
    with torch.no_grad():
        expected = model(dict(inputs))
        found = traced(dict(inputs))
    torch.testing.assert_close(found['logits'], expected['logits'],
                               rtol=1e-3, atol=1e-4)


def test_channels_last_changes_the_layout_alone():
    outputs = []
    for channels_last in (False, True):
        torch.manual_seed(0)
        cfg = small_model_config('selm/selm_r50_ms3.py')
        model = MODELS.build({**cfg, 'channels_last': channels_last}).eval()
        layouts = []
        model.backbone.model.layer2.register_forward_hook(
            lambda *args, layouts=layouts: layouts.append(
                args[-1].is_contiguous(memory_format=torch.channels_last)))
        torch.manual_seed(1)
        outputs.append(model(dict(
            frames=torch.randn(1, 2, 3, 64, 64),
            audio_embedding=torch.randn(1, 2, 1, WIDTH),
            valid=torch.ones(1, 2, dtype=torch.bool)))['logits'])
        assert layouts == [channels_last]
    torch.testing.assert_close(*outputs, rtol=1e-3, atol=1e-4)
