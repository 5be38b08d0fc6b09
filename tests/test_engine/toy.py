# Copyright (c) OpenMMLab. All rights reserved.
"""A small training for tests of the engine; also run as a script.

As a script (under torchrun for several processes)::

    python -m tests.test_engine.toy WORK_DIR key=value ...
"""

import copy
import io
import os
import signal
import sys
import time
import uuid
from ast import literal_eval

import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.logging import MessageHub
from mmengine.model import BaseModel
from torch import nn
from torch.utils.data import Dataset

from mmavs.registry import DATASETS, HOOKS, METRICS, MODELS, RUNNERS
from mmavs.structures import AVSDataSample


@DATASETS.register_module(force=True)
class ToyDataset(Dataset):
    METAINFO = dict(classes=('a', ))

    def __init__(self, length=8, bad=()):
        generator = torch.Generator().manual_seed(0)
        self.x = torch.randn(length, 4, generator=generator)
        self.y = self.x.sum(dim=1, keepdim=True)
        for index in bad:
            self.x[index] = float('nan')
        self.metainfo = self.METAINFO

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        return dict(inputs=dict(x=self.x[index], y=self.y[index]),
                    data_samples=AVSDataSample(
                        metainfo=dict(clip_id=f'clip-{index}')))


@MODELS.register_module(force=True)
class ToyModel(BaseModel):
    def __init__(self, dropout=0.5, norm=False):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Linear(4, 8), nn.BatchNorm1d(8) if norm else nn.Identity())
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(8, 1)

    def init_weights(self):
        generator = torch.Generator().manual_seed(1)
        for p in self.parameters():
            p.data = torch.randn(p.shape, generator=generator) / 4

    def forward(self, inputs, data_samples=None, mode='tensor'):
        x = self.dropout(self.backbone(torch.stack(inputs['x'])).relu())
        y = self.head(x)
        if mode == 'loss':
            error = y - torch.stack(inputs['y'])
            return dict(loss_toy=error.square().mean())
        return list(y)


@METRICS.register_module(force=True)
class ToyMetric(BaseMetric):
    """Draws random numbers, as a validation may."""

    def process(self, data_batch, data_samples):
        self.results.extend(torch.rand(len(data_samples)).tolist())

    def compute_metrics(self, results):
        return {'toy/size': float(len(results)), **self.shared}

    @property
    def shared(self):
        """A score that the test may set: {epoch: value}."""
        hub = MessageHub.get_current_instance()
        epoch = hub.get_info('epoch', 0) + 1
        return {'toy/score': self.SCORES.get(epoch, 0.)}

    SCORES = {2: 1.}


@HOOKS.register_module(force=True)
class StopHook(Hook):
    """Ends a training early, leaving its schedules as they are."""

    def __init__(self, epochs):
        self.epochs = epochs

    def after_train_epoch(self, runner):
        runner.train_loop.stop_training = runner.epoch + 1 == self.epochs


def die(work_dir):
    """End this process as the kernel would, leaving the time behind."""
    with open(f'{work_dir}/killed', 'w') as file:
        file.write(str(time.time()))
    os.kill(os.getpid(), signal.SIGKILL)


@HOOKS.register_module(force=True)
class KillHook(Hook):
    """Ends a process with SIGKILL at a place that is the same anywhere.

    How fast the machine is does not matter, as it would for a kill from
    outside.

    Args:
        where (str): 'iter': after an iteration; 'val': in a validation;
            'write': with half of a checkpoint written; 'rename': before it
            gets its name; 'renamed': after that; 'call': at a Python call.
        at (int): The number of the iteration, of the checkpoint (epoch), or
            of the call since the end of the first epoch.
        rank (int): The process that dies. Defaults to 0.
    """

    priority = 'LOWEST'

    def __init__(self, where, at, rank=0):
        self.where, self.at, self.rank = where, at, rank

    def before_train(self, runner):
        self.work_dir = runner.work_dir
        if runner.rank != self.rank:
            self.where = None
        if self.where in ('write', 'rename', 'renamed'):
            self._break_writing()

    def _break_writing(self):
        name, hook = f'epoch_{self.at}.pth', self
        save, replace = torch.save, os.replace

        def half(state, file):
            if hook.where == 'write' and name.split('.')[0] in file.name:
                whole = io.BytesIO()
                save(state, whole)
                file.write(whole.getvalue()[:len(whole.getvalue()) // 2])
                file.flush()
                die(hook.work_dir)
            save(state, file)

        def rename(old, new):
            if hook.where == 'rename' and os.path.basename(new) == name:
                die(hook.work_dir)
            replace(old, new)
            if hook.where == 'renamed' and os.path.basename(new) == name:
                die(hook.work_dir)

        torch.save, os.replace = half, rename

    def _count_calls(self, frame, event, argument):
        self.at -= event == 'call'
        if self.at < 0:
            die(self.work_dir)

    def after_train_iter(self, runner, **_):
        if self.where == 'iter' and runner.iter + 1 == self.at:
            die(self.work_dir)

    def after_val_iter(self, runner, **_):
        if self.where == 'val' and runner.epoch == self.at:
            die(self.work_dir)

    def after_train_epoch(self, runner):
        if self.where == 'call' and runner.epoch == 0:
            sys.setprofile(self._count_calls)


def toy_config(work_dir, **changes):
    loader = dict(batch_size=2, num_workers=0, dataset=dict(type='ToyDataset'),
                  sampler=dict(type='DefaultSampler', shuffle=True))
    cfg = dict(
        model=dict(type='ToyModel'), work_dir=str(work_dir),
        train_dataloader=loader, train_cfg=dict(max_epochs=4, by_epoch=True),
        val_dataloader=copy.deepcopy(loader), val_cfg=dict(),
        val_evaluator=[dict(type='ToyMetric')],
        optim_wrapper=dict(type='OptimWrapper', optimizer=dict(
            type='AdamW', lr=0.05, weight_decay=0.1)),
        param_scheduler=[dict(type='ExponentialLR', gamma=0.9)],
        default_hooks=dict(
            runtime_info=dict(type='RuntimeInfoHook'),
            timer=dict(type='IterTimerHook'),
            sampler_seed=dict(type='DistSamplerSeedHook'),
            logger=dict(type='LoggerHook', interval=1),
            param_scheduler=dict(type='ParamSchedulerHook'),
            checkpoint=dict(type='CheckpointHook', interval=1)),
        custom_hooks=[], default_scope='mmavs', launcher='none',
        runner_type='AVSRunner', log_level='WARNING',
        env_cfg=dict(dist_cfg=dict(backend='nccl')),
        experiment_name=uuid.uuid4().hex, randomness=dict(seed=7),
        resume=False, load_from=None)
    cfg = Config(cfg)
    cfg.merge_from_dict(changes)
    return cfg


def toy_runner(work_dir, **changes):
    return RUNNERS.build(toy_config(work_dir, **changes))


def weights(runner):
    model = getattr(runner.model, 'module', runner.model)
    return {k: v.clone() for k, v in model.state_dict().items()}


def run(work_dir, changes):
    runner = toy_runner(work_dir, **changes)
    runner.train()
    torch.save(weights(runner), f'{work_dir}/weights_{runner.rank}.pt')


def main():
    work_dir, *options = sys.argv[1:]
    changes = dict(item.split('=', 1) for item in options)
    changes = {key: literal_eval(value) for key, value in changes.items()}
    run(work_dir, changes)


if __name__ == '__main__':
    main()
