# Copyright (c) OpenMMLab. All rights reserved.
"""Where half precision is not enough."""

from contextlib import AbstractContextManager, nullcontext

import torch

# Asked once: torch.compile cannot trace the question.
_AUTOCAST = {name for name in ('cpu', 'cuda', 'mps', 'xpu')
             if torch.amp.is_autocast_available(name)}


def full_precision(device_type: str) -> AbstractContextManager:
    """Context that switches autocast off on one kind of device.

    Devices without autocast, such as ``meta``, get an empty context.
    """
    if device_type in _AUTOCAST:
        return torch.autocast(device_type, enabled=False)
    return nullcontext()
