# Copyright (c) OpenMMLab. All rights reserved.
from .avsegformer_head import AVSegFormerHead
from .base_head import BaseAVSHead
from .clever_head import CLEVERHead
from .fpn_head import FPNHead

__all__ = ['AVSegFormerHead', 'BaseAVSHead', 'CLEVERHead', 'FPNHead']
