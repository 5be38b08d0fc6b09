# Copyright (c) OpenMMLab. All rights reserved.
import pytest
import torch
from mmengine.model import BaseModel
from torch import nn

from mmavs.io.checkpoint import CheckpointError, CheckpointNotFoundError
from mmavs.registry import MODELS

from .toy import ToyModel, toy_runner, weights

HOOK = dict(fit=dict(type='FitCheckpointHook'))


@MODELS.register_module(force=True)
class TableModel(ToyModel):
    """The toy model with a table of positions that counts for nothing."""

    def __init__(self, side=2, **options):
        super().__init__(**options)
        self.pos_embed = nn.Parameter(torch.zeros(side**2, 3))

    def forward(self, *args, **kwargs):
        out = super().forward(*args, **kwargs)
        if isinstance(out, dict):
            out['loss_table'] = 0 * self.pos_embed.sum()
        return out


def build(work_dir, side, **changes):
    return toy_runner(
        work_dir, **{'model.type': 'TableModel', 'model.side': side,
                     'train_cfg.max_epochs': 1, **changes})


@pytest.fixture
def source(tmp_path):
    """A checkpoint of a training with another size."""
    path = tmp_path / 'small.pth'
    state = TableModel(side=2).state_dict()
    state = {name: torch.rand_like(value) for name, value in state.items()}
    state['extra.weight'] = torch.ones(2)
    torch.save(dict(state_dict=state), path)
    return path, state


def record(runner):
    lines = []
    runner.logger.info = lines.append
    return lines


def test_a_training_starts_from_what_fits(tmp_path, source):
    path, state = source
    runner = build(tmp_path, 4, load_from=str(path), default_hooks=HOOK)
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    lines = record(runner)
    runner.load_or_resume()
    found = weights(runner)
    assert found['pos_embed'].shape == (16, 3) and found['pos_embed'].any()
    for name in ('backbone.0.weight', 'head.bias'):
        assert torch.equal(found[name], state[name])
    line, = (text for text in lines if 'fitting' in text)
    assert str(path) in line and 'pos_embed (4, 3) -> (16, 3)' in line
    assert 'extra.weight (not in the model)' in line


def test_it_trains_and_resumes(tmp_path, source):
    options = dict(load_from=str(source[0]), default_hooks=HOOK)
    build(tmp_path, 4, **options).train()
    runner = build(tmp_path, 4, resume='auto',
                   **{**options, 'train_cfg.max_epochs': 2})
    lines = record(runner)
    runner.train()
    assert runner.was_resumed and runner.epoch == 2
    assert not any('fitting' in text for text in lines)
    with pytest.raises(CheckpointError):  # a resume is never fitted
        build(tmp_path, 3, resume='auto', **options).train()


def test_a_test_loads_as_it_is(tmp_path, source):
    runner = build(tmp_path, 4, load_from=str(source[0]), default_hooks=HOOK)
    lines = record(runner)
    runner.load_or_resume()  # no training loop was built
    assert not any('fitting' in text for text in lines)
    assert not weights(runner)['pos_embed'].any()


def test_a_missing_checkpoint_says_what_to_do(tmp_path):
    runner = build(tmp_path, 4, load_from='no/s4.pth', default_hooks=HOOK)
    with pytest.raises(CheckpointNotFoundError,
                       match='no/s4.pth.*does not exist.*load_from=PATH'):
        runner.train()


def test_a_foreign_checkpoint_is_refused(tmp_path):
    path = tmp_path / 'foreign.pth'
    torch.save(dict(state_dict={'x.weight': torch.ones(2)}), path)
    runner = build(tmp_path, 4, load_from=str(path), default_hooks=HOOK)
    with pytest.raises(CheckpointError, match='belongs to this model'):
        runner.train()
    assert isinstance(runner.model, BaseModel)
