# Copyright (c) OpenMMLab. All rights reserved.
import pytest
import torch

from .toy import toy_runner, weights

HOOK = dict(type='UnfreezeHook', module='backbone', epoch=2)


def train(work_dir, *, hooks=(HOOK, ), **changes):
    runner = toy_runner(work_dir, custom_hooks=list(hooks), **changes)
    runner.train()
    return runner


def state_at(work_dir, epoch):
    path = work_dir / f'epoch_{epoch}.pth'
    return torch.load(path, weights_only=False)['state_dict']


def test_module_changes_only_from_its_epoch_on(tmp_path):
    train(tmp_path)
    first, second, last = (state_at(tmp_path, n) for n in (1, 2, 4))
    key = 'backbone.0.weight'
    assert torch.equal(first[key], second[key])  # no weight decay either
    assert not torch.equal(first['head.weight'], second['head.weight'])
    assert not torch.equal(second[key], last[key])


@pytest.mark.parametrize('stop_after', [1, 2, 3])
def test_resume_on_either_side_of_the_epoch(tmp_path, stop_after):
    whole = weights(train(tmp_path / 'a'))
    train(tmp_path / 'b', hooks=[HOOK, dict(type='StopHook',
                                            epochs=stop_after)])
    resumed = weights(train(tmp_path / 'b', resume='auto'))
    for key, value in whole.items():
        assert torch.equal(value, resumed[key]), key


def test_parts_frozen_by_the_model_stay_frozen(tmp_path):
    runner = toy_runner(tmp_path, custom_hooks=[HOOK])
    runner.model.backbone[0].bias.requires_grad_(False)
    runner.train()
    assert not runner.model.backbone[0].bias.requires_grad
    assert runner.model.backbone[0].weight.requires_grad


def test_own_learning_rate_holds_after_the_release(tmp_path):
    runner = train(tmp_path, **{'optim_wrapper.paramwise_cfg': dict(
        custom_keys=dict(backbone=dict(lr_mult=0.1)))})
    groups = runner.optim_wrapper.optimizer.param_groups
    own = [group['lr'] for group in groups
           if group['params'][0] is runner.model.backbone[0].weight]
    assert own == pytest.approx([0.05 * 0.1 * 0.9 ** 4], rel=0.2)


def test_eval_mode_keeps_the_statistics(tmp_path):
    key = 'backbone.1.running_mean'
    train(tmp_path / 'a', hooks=[dict(HOOK, eval_mode=True)],
          **{'model.norm': True})
    assert not state_at(tmp_path / 'a', 2)[key].any()
    assert state_at(tmp_path / 'a', 3)[key].any()
    train(tmp_path / 'b', **{'model.norm': True})
    assert state_at(tmp_path / 'b', 1)[key].any()


def test_unknown_module_is_named(tmp_path):
    with pytest.raises(ValueError, match="'neck'.*backbone"):
        train(tmp_path, hooks=[dict(HOOK, module='neck')])
