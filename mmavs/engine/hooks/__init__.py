# Copyright (c) OpenMMLab. All rights reserved.
from .non_finite_loss_hook import NonFiniteLossError, NonFiniteLossHook
from .random_state_hook import RandomStateHook
from .unfreeze_hook import UnfreezeHook
from .visualization_hook import AVSVisualizationHook

__all__ = [
    'AVSVisualizationHook', 'NonFiniteLossError', 'NonFiniteLossHook',
    'RandomStateHook', 'UnfreezeHook',
]
