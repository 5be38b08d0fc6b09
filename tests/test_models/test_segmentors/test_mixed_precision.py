# Copyright (c) OpenMMLab. All rights reserved.
"""Training in bfloat16 follows training in float32."""

import pytest
import torch

from mmavs.structures import AVSDataSample

from ...small_models import WIDTH, small_model
from ..helpers import wake


@pytest.mark.parametrize('name', [
    'selm/selm_pvt_avss.py', 'selm/selm_r50_ms3.py',
    'selm/selm_pvt_ms3_live-a2v.py', 'film_fpn/film-fpn_r50_ms3.py'])
def test_bfloat16(name):
    torch.manual_seed(0)
    model = wake(small_model(name)).eval()  # no dropout, no noise
    gen = torch.Generator().manual_seed(0)
    inputs = dict(
        frames=torch.randn(1, 2, 3, 64, 64, generator=gen),
        audio_embedding=torch.rand(1, 2, 1, WIDTH, generator=gen),
        valid=torch.ones(1, 2, dtype=torch.bool))
    sample = AVSDataSample()
    sample.gt_sem_seg = torch.randint(0, 2, (2, 32, 32), generator=gen).byte()
    losses = {}
    for half in (False, True):
        with torch.autocast('cpu', torch.bfloat16, enabled=half):
            losses[half] = model(inputs, [sample], mode='loss')
        total = sum(losses[half].values())
        total.backward()
        assert total.dtype == torch.float32 and total.isfinite()
        assert all(p.grad is None or p.grad.isfinite().all()
                   for p in model.parameters())
    for key, value in losses[False].items():
        assert losses[True][key].item() == pytest.approx(
            value.item(), rel=0.1, abs=0.02)
