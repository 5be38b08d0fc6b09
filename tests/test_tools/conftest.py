# Copyright (c) OpenMMLab. All rights reserved.
import io
import os
import runpy
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from types import SimpleNamespace
from unittest import mock

import pytest

from mmavs.datasets.synthetic import write_synthetic

CONFIG = """
_base_ = [
    '{repo}/configs/_base_/models/film_fpn_r50.py',
    '{repo}/configs/_base_/datasets/synthetic_ms3.py',
    '{repo}/configs/_base_/schedules/selm_s4.py',
    '{repo}/configs/_base_/default_runtime.py',
]
model = dict(
    backbone=dict(model_name='resnet10t', init_cfg=None),
    audio_encoder=dict(_delete_=True, type='LogMelCNN'),
    audio_projector=dict(out_channels=32),
    decode_head=dict(channels=16))
root = '{data}'
train_dataloader = dict(num_workers=0, persistent_workers=False, batch_size=2,
                        dataset=dict(data_root=root))
val_dataloader = dict(num_workers=0, persistent_workers=False,
                      dataset=dict(data_root=root))
test_dataloader = dict(num_workers=0, persistent_workers=False,
                       dataset=dict(data_root=root))
train_cfg = dict(max_epochs=1)
"""


@pytest.fixture(scope='session')
def tiny(tmp_path_factory, repo_dir):
    """A config that trains in seconds on a synthetic set of few clips."""
    root = tmp_path_factory.mktemp('tiny')
    write_synthetic(root / 'data', layouts=('ms3', ), num_train=4, num_val=2,
                    num_test=6, size=64, workers=0)
    config = root / 'tiny.py'
    config.write_text(CONFIG.format(
        repo=repo_dir.as_posix(),
        data=(root / 'data' / 'Multi-sources').as_posix()))
    return SimpleNamespace(config=config, root=root)


@pytest.fixture(scope='session')
def run_process(repo_dir):
    """Run a program of ``tools/`` as a user does; return the process."""
    def run(*args, cwd=None, env=None):
        command = list(map(str, args))
        script = repo_dir / 'tools' / command[0]
        start = (['bash', str(script)] if script.suffix == '.sh' else
                 [sys.executable, str(script)])
        return subprocess.run(
            start + command[1:], cwd=cwd or repo_dir, text=True,
            capture_output=True, timeout=600, env=dict(
                os.environ, OMP_NUM_THREADS='1', PYTHON=sys.executable,
                **(env or {})))
    return run


@pytest.fixture(scope='session')
def run_tool(repo_dir):
    """Run a program of ``tools/`` in this process, which is faster."""
    def run(*args):
        name, *rest = map(str, args)
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err), mock.patch.object(
                sys, 'argv', [name, *rest]):
            try:
                runpy.run_path(str(repo_dir / 'tools' / name),
                               run_name='__main__')
                code = 0
            except SystemExit as stop:
                code = stop.code or 0
        return SimpleNamespace(returncode=code, stdout=out.getvalue(),
                               stderr=err.getvalue())
    return run


@pytest.fixture(scope='session')
def trained(tiny, run_process):
    """The tiny config, trained for an epoch."""
    work_dir = tiny.root / 'trained'
    done = run_process('train.py', tiny.config, '--work-dir', work_dir)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return work_dir
