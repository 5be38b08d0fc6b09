# Copyright (c) OpenMMLab. All rights reserved.
"""Where half precision is not enough."""

from contextlib import AbstractContextManager, nullcontext

import torch


def full_precision(device_type: str) -> AbstractContextManager:
    """Context that switches autocast off on one kind of device.

    Devices without autocast, such as ``meta``, get an empty context.
    """
    if torch.amp.is_autocast_available(device_type):
        return torch.autocast(device_type, enabled=False)
    return nullcontext()
