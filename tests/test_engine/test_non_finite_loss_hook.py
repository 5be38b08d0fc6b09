# Copyright (c) OpenMMLab. All rights reserved.
import pytest
import torch
from mmengine.dataset import DefaultSampler

from mmavs.engine.hooks import NonFiniteLossError

from .toy import toy_runner, weights

BAD = {'train_dataloader.dataset.bad': [5]}


class FirstSeven(DefaultSampler):
    def __iter__(self):
        return iter(range(7))


def build(work_dir, *, action='stop', bad=True, **changes):
    hook = dict(type='NonFiniteLossHook', action=action)
    return toy_runner(work_dir, custom_hooks=[hook],
                      **(BAD if bad else {}), **changes)


def test_stop_names_the_clip_and_keeps_good_weights(tmp_path):
    runner = build(tmp_path, **{'model.norm': True})
    with pytest.raises(NonFiniteLossError,
                       match=r'loss_toy.*clips: clip-5; .*non_finite\.pth'):
        runner.train()
    state = torch.load(tmp_path / 'non_finite.pth', weights_only=False)
    assert 'optimizer' in state
    for value in state['state_dict'].values():
        assert torch.isfinite(value).all()


def test_skip_leaves_the_weights_alone(tmp_path):
    """Clip 7, the last one, is bad: as if the epoch ended before it."""
    plain = {'train_dataloader.batch_size': 1, 'model.dropout': 0.,
             'train_cfg.max_epochs': 1,
             'train_dataloader.sampler.shuffle': False}
    skipped = build(tmp_path / 'a', action='skip', **plain)
    skipped.train_dataloader.dataset.x[7] = float('inf')
    skipped.train_dataloader.dataset.x[5] = 1.
    skipped.train()
    short = toy_runner(tmp_path / 'b', **plain)
    short.train_dataloader.dataset.x[5] = 1.
    short.train_loop.dataloader.sampler.__class__ = FirstSeven
    short.train()
    for key, value in weights(short).items():
        assert torch.equal(value, weights(skipped)[key]), key


def test_skip_restores_statistics(tmp_path):
    runner = build(tmp_path, action='skip', **{'model.norm': True})
    runner.train()
    for value in weights(runner).values():
        assert torch.isfinite(value).all()


def test_too_many_skips_stop(tmp_path):
    runner = toy_runner(tmp_path, custom_hooks=[dict(
        type='NonFiniteLossHook', action='skip', max_skips=2)], **{
            'train_dataloader.dataset.bad': list(range(8))})
    with pytest.raises(NonFiniteLossError, match='iteration 3'):
        runner.train()


def test_finite_losses_change_nothing(tmp_path):
    watched = build(tmp_path / 'a', bad=False)
    watched.train()
    plain = toy_runner(tmp_path / 'b')
    plain.train()
    for key, value in weights(plain).items():
        assert torch.equal(value, weights(watched)[key])


def test_unknown_action():
    from mmavs.engine.hooks import NonFiniteLossHook
    with pytest.raises(ValueError, match="'stop' or 'skip'"):
        NonFiniteLossHook(action='ignore')
