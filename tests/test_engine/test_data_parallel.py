# Copyright (c) OpenMMLab. All rights reserved.
import os
import re
import subprocess
import sys

import pytest
import torch

from mmavs.datasets.synthetic import write_synthetic

# Clips with 1, 5 and 10 labelled seconds; no layer looks at the batch.
CONFIG = """
_base_ = [
    '{repo}/configs/_base_/models/film_fpn_r50.py',
    '{repo}/configs/_base_/datasets/synthetic_avss.py',
    '{repo}/configs/_base_/schedules/selm_s4.py',
    '{repo}/configs/_base_/default_runtime.py',
]
model = dict(
    backbone=dict(model_name='resnet10t', init_cfg=None, norm_eval=True),
    audio_encoder=dict(_delete_=True, type='LogMelCNN'),
    audio_projector=dict(out_channels=32),
    decode_head=dict(
        channels=16, num_classes=71, loss_decode=dict(
            _delete_=True, ce=dict(type='ClipCrossEntropyLoss'))))
train_dataloader = dict(
    num_workers=0, persistent_workers=False, batch_size=2,
    sampler=dict(shuffle=False), dataset=dict(data_root='{data}'))
val_dataloader = val_cfg = val_evaluator = None
# A larger rate lets a ReLU fall on the other side after rounding.
optim_wrapper = dict(optimizer=dict(_delete_=True, type='SGD', lr=0.01))
default_hooks = dict(
    checkpoint=dict(_delete_=True, type='CheckpointHook', interval=1),
    logger=dict(interval=1),
    unfreeze=dict(type='UnfreezeHook', module='backbone', epoch=1))
train_cfg = dict(max_epochs=2)
"""


def train(config, work_dir, repo, *, processes):
    script = [str(repo / 'tools' / 'train.py'), str(config), '--work-dir',
              str(work_dir), '--cfg-options',
              f'train_dataloader.batch_size={2 // processes}']
    start = [sys.executable]
    if processes > 1:
        start += ['-m', 'torch.distributed.run', '--standalone',
                  f'--nproc_per_node={processes}']
        script += ['--launcher', 'pytorch']
    done = subprocess.run(
        start + script, capture_output=True, text=True, timeout=600,
        env=dict(os.environ, OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES=''))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    losses = re.findall(r'Epoch\(train\).* loss: ([\d.]+)', done.stdout)
    return list(map(float, losses)), torch.load(
        work_dir / 'epoch_2.pth', weights_only=False)['state_dict']


@pytest.mark.slow
def test_two_processes_equal_one(tmp_path, repo_dir):
    """An odd number of clips, labelled seconds that differ, a release.

    Eight steps of two clips: on one process with batch 2, on two with batch 1.
    """
    write_synthetic(tmp_path / 'data', layouts=('avss', ), num_train=7,
                    num_val=0, num_test=0, size=64, workers=0)
    config = tmp_path / 'config.py'
    config.write_text(CONFIG.format(
        repo=repo_dir.as_posix(),
        data=(tmp_path / 'data' / 'AVSS').as_posix()))
    one_losses, one = train(config, tmp_path / 'one', repo_dir, processes=1)
    two_losses, two = train(config, tmp_path / 'two', repo_dir, processes=2)
    assert len(one_losses) == 8
    assert one_losses == pytest.approx(two_losses, abs=2e-4)
    assert one_losses[-1] < one_losses[0] - 0.05
    for key, value in one.items():
        torch.testing.assert_close(two[key], value, rtol=1e-5, atol=1e-5)
