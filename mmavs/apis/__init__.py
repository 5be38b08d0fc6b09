# Copyright (c) OpenMMLab. All rights reserved.
from .model import get_model, init_model
from .model_zoo import ZooEntry, list_models

__all__ = ['ZooEntry', 'get_model', 'init_model', 'list_models']
