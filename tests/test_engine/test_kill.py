# Copyright (c) OpenMMLab. All rights reserved.
"""Trainings that are killed: nothing is lost, nothing hangs.

Each process kills itself at a given place, so that the speed of the machine
plays no part.
"""

import random
import signal
import time
from pathlib import Path

import pytest
import torch

from .processes import TIMEOUT, assert_same, finish, fork_toy, run_toy

EPOCHS, ITERATIONS = 6, 24
LAST = {'train_cfg.max_epochs': EPOCHS,
        'default_hooks.checkpoint.max_keep_ckpts': 2}
# Python calls between the end of the first epoch and that of the training:
# about 400,000. Beyond that the training would end alive.
CALLS = 200_000
POINTS = [
    ('iter', 2), ('iter', 4), ('iter', 11), ('iter', ITERATIONS),
    ('val', 3), ('write', 1), ('write', 3), ('write', EPOCHS),
    ('rename', 2), ('renamed', 2), ('renamed', 5)]


def kill(where, at, rank=0):
    return [dict(type='KillHook', where=where, at=at, rank=rank)]


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('whole')
    assert fork_toy(work_dir, **LAST) == 0
    return torch.load(work_dir / 'weights_0.pt')


def check_resumed(work_dir, whole, where, at):
    code = fork_toy(work_dir, custom_hooks=kill(where, at), **LAST)
    assert code == -signal.SIGKILL
    assert not (work_dir / 'weights_0.pt').exists()
    halves = list(work_dir.glob('.epoch_*.tmp.pth'))
    assert len(halves) == (where in ('write', 'rename')) or where == 'call'
    assert fork_toy(work_dir, resume='auto', **LAST) == 0
    assert_same(whole, torch.load(work_dir / 'weights_0.pt'))
    assert not list(work_dir.glob('.epoch_*.tmp.pth'))


@pytest.mark.parametrize('where, at', POINTS)
def test_killed_run_resumes_exactly(tmp_path, whole, where, at):
    check_resumed(tmp_path, whole, where, at)


@pytest.mark.slow
@pytest.mark.parametrize('turn', range(6))
def test_killed_anywhere_resumes_exactly(tmp_path, whole, turn):
    """Another place every time; the message of a failure says which."""
    call = random.SystemRandom().randrange(CALLS)
    print(f'killed at call {call}')
    check_resumed(tmp_path, whole, 'call', call)


def test_killed_twice_resumes_exactly(tmp_path, whole):
    fork_toy(tmp_path, custom_hooks=kill('iter', 9), **LAST)
    code = fork_toy(tmp_path, custom_hooks=kill('write', 4), resume='auto',
                    **LAST)
    assert code == -signal.SIGKILL
    assert fork_toy(tmp_path, resume='auto', **LAST) == 0
    assert_same(whole, torch.load(tmp_path / 'weights_0.pt'))


@pytest.mark.slow
def test_killed_rank_ends_the_job_and_it_goes_on(tmp_path, repo_dir):
    a, b = tmp_path / 'a', tmp_path / 'b'
    finish(run_toy(a, processes=2, repo=repo_dir))
    process = run_toy(b, f'custom_hooks={kill("iter", 5, rank=1)}',
                      processes=2, repo=repo_dir)
    output, _ = process.communicate(timeout=TIMEOUT)
    took = time.time() - float(Path(b, 'killed').read_text())
    assert process.returncode != 0
    assert 'SIGKILL' in output or 'Signal 9' in output
    assert took < 60
    finish(run_toy(b, "resume='auto'", processes=2, repo=repo_dir))
    for rank in (0, 1):
        assert_same(*(torch.load(run / f'weights_{rank}.pt')
                      for run in (a, b)))
