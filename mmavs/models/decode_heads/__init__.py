# Copyright (c) OpenMMLab. All rights reserved.
from .base_head import BaseAVSHead
from .clever_head import CLEVERHead
from .fpn_head import FPNHead

__all__ = ['BaseAVSHead', 'CLEVERHead', 'FPNHead']
