# Copyright (c) OpenMMLab. All rights reserved.
from .amp_optim_wrapper import AVSAmpOptimWrapper

__all__ = ['AVSAmpOptimWrapper']
