# Copyright (c) OpenMMLab. All rights reserved.
from .bcsm import BCSM
from .dam import DAM, DAMBlock
from .film import FiLMFusion
from .projectors import AudioProjector, ChannelProjector
from .simple_fusion import AddFusion, ConcatFusion

__all__ = [
    'BCSM', 'DAM', 'AddFusion', 'AudioProjector', 'ChannelProjector',
    'ConcatFusion', 'DAMBlock', 'FiLMFusion'
]
