# Copyright (c) OpenMMLab. All rights reserved.
import sys
import types

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmavs.models.layers import (
    Mamba,
    selective_scan,
    selective_scan_reference,
    selective_scan_torch,
)
from mmavs.models.layers.selective_scan import resolve_backend


def scan_inputs(batch, channels, length, states, seed=0, dtype=torch.float64):
    gen = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(*shape, generator=gen).to(dtype)

    return dict(
        u=draw(batch, channels, length), delta=draw(batch, channels, length),
        A=-draw(channels, states).exp(), B=draw(batch, states, length),
        C=draw(batch, states, length), D=draw(channels),
        z=draw(batch, channels, length), delta_bias=draw(channels))


def run(scan, inputs, **options):
    inputs = {k: v.clone().requires_grad_() for k, v in inputs.items()}
    args = [inputs.pop(k) for k in 'u delta A B C'.split()]
    y = scan(*args, **inputs, **options)
    y.float().square().sum().backward()
    return y, [x.grad for x in [*args, *inputs.values()]]


@settings(deadline=None, max_examples=25)
@given(length=st.integers(1, 40), batch=st.integers(1, 3),
       states=st.integers(1, 5), seed=st.integers(0, 99),
       softplus=st.booleans())
def test_fast_scan_equals_reference(length, batch, states, seed, softplus):
    inputs = scan_inputs(batch, 3, length, states, seed, torch.float32)
    if not softplus:  # without it only positive steps make sense
        inputs['delta'] = inputs['delta'].abs()
        inputs['delta_bias'] = inputs['delta_bias'].abs()
    expected, expected_grads = run(
        selective_scan_reference, inputs, delta_softplus=softplus)
    found, grads = run(selective_scan_torch, inputs, delta_softplus=softplus)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    for grad, expected_grad in zip(grads, expected_grads, strict=True):
        scale = max(1.0, expected_grad.abs().max().item())
        torch.testing.assert_close(
            grad / scale, expected_grad / scale, rtol=1e-4, atol=1e-5)


@settings(deadline=None, max_examples=15)
@given(length=st.sampled_from([1, 2, 5, 16, 17, 33]),
       groups=st.integers(1, 3), seed=st.integers(0, 99))
def test_groups_of_channels_have_their_own_matrices(length, groups, seed):
    parts = [scan_inputs(2, 2, length, 3, seed + index, torch.float32)
             for index in range(groups)]
    joint = {key: torch.cat([part[key] for part in parts], dim=axis)
             for key, axis in dict(u=1, delta=1, A=0, D=0, z=1,
                                   delta_bias=0).items()}
    for key in 'BC':
        joint[key] = torch.stack([part[key] for part in parts], dim=1)
    for scan in (selective_scan_torch, selective_scan_reference):
        found, _ = run(scan, joint, delta_softplus=True)
        expected = torch.cat([run(
            selective_scan_reference, part, delta_softplus=True)[0]
            for part in parts], dim=1)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_reference_is_the_recurrence():
    """One channel, one state, by hand."""
    one = torch.ones(1, 1, 3)
    u = torch.tensor([[[1.0, 2.0, 3.0]]])
    A = torch.full((1, 1), -0.5)
    y = selective_scan_reference(u, one, A, one, 2 * one)
    a = torch.exp(torch.tensor(-0.5)).item()
    h = [1.0, a + 2.0, a * (a + 2.0) + 3.0]
    torch.testing.assert_close(y[0, 0], 2 * torch.tensor(h))


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_half_precision_keeps_the_dtype(dtype):
    inputs = scan_inputs(2, 4, 7, 3)
    half = {k: v.to(dtype) for k, v in inputs.items()}
    args = [half.pop(k) for k in 'u delta A B C'.split()]
    y = selective_scan(*args, **half, delta_softplus=True)
    assert y.dtype == dtype
    exact = selective_scan_reference(
        *(x.float() for x in args), **{k: v.float() for k, v in half.items()},
        delta_softplus=True)
    torch.testing.assert_close(y.float(), exact, rtol=2e-2, atol=2e-2)


def test_large_steps_do_not_overflow():
    inputs = scan_inputs(1, 2, 64, 3, dtype=torch.float32)
    inputs['delta'] = inputs['delta'].abs() * 100
    y, grads = run(selective_scan_torch, inputs, delta_softplus=True)
    assert y.isfinite().all() and all(g.isfinite().all() for g in grads)


@settings(deadline=None, max_examples=10)
@given(length=st.integers(1, 12), cut=st.integers(0, 11))
def test_mamba_is_causal(length, cut):
    torch.manual_seed(0)
    mamba = Mamba(8, d_state=4).eval()
    x = torch.randn(2, length, 8)
    changed = x.clone()
    changed[:, cut:] += 1
    same = min(cut, length)
    torch.testing.assert_close(mamba(x)[:, :same], mamba(changed)[:, :same])
    torch.testing.assert_close(mamba(x)[:1], mamba(x[:1]))


def test_mamba_has_the_names_of_mamba_ssm():
    shapes = {k: tuple(v.shape) for k, v in Mamba(256).state_dict().items()}
    assert shapes == {
        'A_log': (512, 16), 'D': (512,), 'in_proj.weight': (1024, 256),
        'conv1d.weight': (512, 1, 4), 'conv1d.bias': (512,),
        'x_proj.weight': (48, 512), 'dt_proj.weight': (512, 16),
        'dt_proj.bias': (512,), 'out_proj.weight': (256, 512)}


def test_mamba_starts_with_small_steps():
    mamba = Mamba(64)
    step = torch.nn.functional.softplus(mamba.dt_proj.bias)
    assert step.min() >= 0.99e-3 and step.max() <= 1.01e-1
    torch.testing.assert_close(
        mamba.A_log.exp()[5], torch.arange(1.0, 17.0))
    assert mamba.A_log._no_weight_decay and mamba.D._no_weight_decay


def test_unknown_backend_is_refused():
    with pytest.raises(ValueError, match="backend must be one of .*'fast'"):
        Mamba(8, backend='fast')


def test_kernel_on_the_cpu_says_what_to_do():
    mamba = Mamba(8, backend='mamba_ssm')
    with pytest.raises(ValueError, match='use backend="auto" or "torch"'):
        mamba(torch.randn(1, 3, 8))


@pytest.fixture
def fresh_choice():
    resolve_backend.cache_clear()
    yield
    resolve_backend.cache_clear()


def test_missing_kernel(fresh_choice, monkeypatch):
    monkeypatch.setitem(sys.modules, 'selective_scan_cuda', None)
    with pytest.raises(ImportError, match='mmavs.mamba.*backend="torch"'):
        resolve_backend('mamba_ssm', 'cuda')
    assert resolve_backend('auto', 'cuda') is selective_scan_torch


def test_auto_takes_the_kernel_on_cuda_only(fresh_choice, monkeypatch):
    name = 'mamba_ssm.ops.selective_scan_interface'
    kernel = types.ModuleType(name)
    kernel.selective_scan_fn = lambda *args, **kwargs: 'fused'
    extension = types.ModuleType('selective_scan_cuda')
    extension.__spec__ = types.SimpleNamespace()
    monkeypatch.setitem(sys.modules, 'selective_scan_cuda', extension)
    for part in ('mamba_ssm', 'mamba_ssm.ops', name):
        monkeypatch.setitem(sys.modules, part, kernel)
    for backend in ('auto', 'mamba_ssm'):
        assert resolve_backend(backend, 'cuda') is kernel.selective_scan_fn
    assert resolve_backend('auto', 'cpu') is selective_scan_torch
    assert resolve_backend('torch', 'cuda') is selective_scan_torch


def test_the_backend_is_logged_once(fresh_choice, monkeypatch):
    lines = []
    monkeypatch.setattr(
        sys.modules[resolve_backend.__module__], 'print_log',
        lambda text, logger=None: lines.append(text))
    mamba = Mamba(8)
    for _ in range(3):
        mamba(torch.randn(1, 2, 8))
    assert len(lines) == 1 and 'cpu runs in PyTorch' in lines[0]
