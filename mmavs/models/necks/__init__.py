# Copyright (c) OpenMMLab. All rights reserved.
from .dam import DAM, DAMBlock

__all__ = ['DAM', 'DAMBlock']
