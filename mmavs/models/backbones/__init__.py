# Copyright (c) OpenMMLab. All rights reserved.
from .mmseg_backbone import MMSegBackbone
from .staged import StagedBackbone
from .timm_backbone import TimmBackbone

__all__ = ['MMSegBackbone', 'StagedBackbone', 'TimmBackbone']
