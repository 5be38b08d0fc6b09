# Copyright (c) OpenMMLab. All rights reserved.
from .avs_runner import AVSRunner

__all__ = ['AVSRunner']
