# Copyright (c) OpenMMLab. All rights reserved.
"""The same clips on 1, 2 and 3 processes give the same numbers."""

import os

import pytest
import torch
import torch.multiprocessing as mp

from mmavs.evaluation import AVSBinaryMetric, AVSSemanticMetric

from .clips import binary_clip, semantic_clip

NUM_CLIPS = 5


def make(kind):
    """A metric and its clips."""
    if kind == 'binary':
        return AVSBinaryMetric(clips_per_group=2), [
            binary_clip(i, empty=(0, ) if i % 2 else ())
            for i in range(NUM_CLIPS)]
    return AVSSemanticMetric(), [semantic_clip(i) for i in range(NUM_CLIPS)]


def work(rank, world_size, port, folder, scheme):
    """Evaluate this process's share, as a data loader would deal it out."""
    os.environ.update(
        RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(world_size),
        MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port))
    os.chdir(folder)
    torch.set_num_threads(1)
    torch.distributed.init_process_group('gloo')
    each = -(-NUM_CLIPS // world_size)
    # As samplers do, repeat clips so that all get equally many.
    order = [i % NUM_CLIPS for i in range(each * world_size)]
    share = (order[rank::world_size] if scheme == 'interleaved' else
             order[rank * each:(rank + 1) * each])
    results = {}
    for kind in ('binary', 'semantic'):
        metric, clips = make(kind)
        for index in share:
            metric.process({}, [clips[index].to_dict()])
        results[kind] = metric.evaluate(NUM_CLIPS)
    torch.save(results, f'{folder}/{rank}.pt')
    torch.distributed.destroy_process_group()


@pytest.mark.slow
@pytest.mark.parametrize('world_size,scheme', [
    (2, 'interleaved'), (3, 'interleaved'), (3, 'blocks')])
def test_numbers_do_not_depend_on_processes(tmp_path, free_port, world_size,
                                            scheme):
    mp.spawn(work, nprocs=world_size,
             args=(world_size, free_port, str(tmp_path), scheme))
    for kind in ('binary', 'semantic'):
        metric, clips = make(kind)
        for clip in clips:
            metric.process({}, [clip.to_dict()])
        expected = metric.evaluate(NUM_CLIPS)
        for rank in range(world_size):
            found = torch.load(tmp_path / f'{rank}.pt', weights_only=True)
            assert found[kind] == expected
