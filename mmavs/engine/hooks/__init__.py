# Copyright (c) OpenMMLab. All rights reserved.
from .clip_report_hook import ClipReportHook
from .fit_checkpoint_hook import FitCheckpointHook
from .non_finite_loss_hook import NonFiniteLossError, NonFiniteLossHook
from .prediction_writer_hook import PredictionWriterHook
from .random_state_hook import RandomStateHook
from .resume_val_hook import ResumeValHook
from .sync_loss_hook import SyncLossHook
from .unfreeze_hook import UnfreezeHook
from .visualization_hook import AVSVisualizationHook

__all__ = [
    'AVSVisualizationHook', 'ClipReportHook', 'FitCheckpointHook',
    'NonFiniteLossError', 'NonFiniteLossHook', 'PredictionWriterHook',
    'RandomStateHook', 'ResumeValHook', 'SyncLossHook', 'UnfreezeHook',
]
