# Copyright (c) OpenMMLab. All rights reserved.
import pytest
import torch
from torch import nn

from mmavs.engine.optim import AVSAmpOptimWrapper

from .toy import toy_runner, weights

ON_CPU = not torch.cuda.is_available()


def wrapper(**kwargs):
    layer = nn.Linear(2, 2)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    return layer, AVSAmpOptimWrapper(optimizer=optimizer, **kwargs)


def test_computes_in_bfloat16_and_keeps_float32_weights():
    layer, optim = wrapper()
    layer.to('cpu' if ON_CPU else 'cuda')
    with optim.optim_context(layer):
        y = layer(torch.ones(1, 2, device=layer.weight.device))
    assert y.dtype == torch.bfloat16
    before = layer.weight.clone()
    optim.update_params(y.float().sum())
    assert layer.weight.dtype == torch.float32
    assert not torch.equal(before, layer.weight)


def test_state_round_trip():
    _, first = wrapper()
    _, second = wrapper()
    second.load_state_dict(first.state_dict())
    assert second.state_dict()['param_groups'][0]['lr'] == 0.1


@pytest.mark.skipif(not ON_CPU, reason='float16 works on a GPU')
def test_float16_on_the_cpu_says_what_to_use():
    with pytest.raises(ValueError, match='use bfloat16'):
        wrapper(dtype='float16')


def test_unknown_dtype():
    with pytest.raises(ValueError, match="'int8'"):
        wrapper(dtype='int8')


def test_training_and_exact_resume(tmp_path):
    amp = {'optim_wrapper.type': 'AVSAmpOptimWrapper',
           'optim_wrapper.clip_grad': dict(max_norm=1.0)}
    whole = toy_runner(tmp_path / 'a', **amp)
    whole.train()
    toy_runner(tmp_path / 'b', **amp, custom_hooks=[
        dict(type='StopHook', epochs=2)]).train()
    resumed = toy_runner(tmp_path / 'b', **amp, resume='auto')
    resumed.train()
    for key, value in weights(whole).items():
        assert torch.equal(value, weights(resumed)[key])
