# Copyright (c) OpenMMLab. All rights reserved.
from .bcsm import BCSM
from .dam import DAM, DAMBlock
from .film import FiLMFusion
from .projectors import AudioProjector, ChannelProjector

__all__ = [
    'BCSM', 'DAM', 'AudioProjector', 'ChannelProjector', 'DAMBlock',
    'FiLMFusion'
]
