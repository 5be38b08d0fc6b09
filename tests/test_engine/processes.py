# Copyright (c) OpenMMLab. All rights reserved.
"""Running the small training in processes of its own."""

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import torch

from . import toy

TIMEOUT = 300
# What takes long to import; all of it is installed, as the server of forks
# does not know where the tests are.
PRELOAD = ['mmengine.runner', 'mmavs.engine', 'mmavs.structures',
           'torchvision', 'matplotlib.pyplot']


def assert_same(a, b):
    assert a.keys() == b.keys()
    for key in a:
        assert torch.equal(a[key], b[key]), key


def run_toy(work_dir, *options, processes=0, repo):
    start = [sys.executable, '-m']
    if processes:
        start += ['torch.distributed.run', '--standalone',
                  f'--nproc_per_node={processes}', '-m']
        options = (*options, "launcher='pytorch'")
    Path(work_dir).mkdir(exist_ok=True)
    env = dict(os.environ, OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='')
    return subprocess.Popen(
        [*start, 'tests.test_engine.toy', str(work_dir), *options],
        cwd=repo, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True)


def finish(process):
    output, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, output
    return output


def fork_toy(work_dir, **changes):
    """Train in a process that has imported everything already.

    Returns:
        int | None: Its exit code, negative for a signal.
    """
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(PRELOAD)
    Path(work_dir).mkdir(exist_ok=True)
    process = context.Process(target=toy.run, args=(str(work_dir), changes))
    process.start()
    process.join(TIMEOUT)
    if process.exitcode is None:
        process.kill()
    return process.exitcode
