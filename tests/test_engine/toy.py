# Copyright (c) OpenMMLab. All rights reserved.
"""A small training for tests of the engine; also run as a script.

As a script (under torchrun for several processes)::

    python -m tests.test_engine.toy WORK_DIR key=value ...
"""

import copy
import sys
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


def main():
    work_dir, *options = sys.argv[1:]
    changes = dict(item.split('=', 1) for item in options)
    changes = {key: literal_eval(value) for key, value in changes.items()}
    runner = toy_runner(work_dir, **changes)
    runner.train()
    torch.save(weights(runner), f'{work_dir}/weights_{runner.rank}.pt')


if __name__ == '__main__':
    main()
