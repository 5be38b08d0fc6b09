# Copyright (c) OpenMMLab. All rights reserved.
from .atomic import atomic_write
from .tensor_pickle import load_tensor_pickle

__all__ = ['atomic_write', 'load_tensor_pickle']
