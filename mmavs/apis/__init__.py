# Copyright (c) OpenMMLab. All rights reserved.
from .compare import compare_models
from .inferencer import AVSInferencer
from .model import get_model, init_model
from .model_zoo import ZooEntry, list_models

__all__ = [
    'AVSInferencer', 'ZooEntry', 'compare_models', 'get_model', 'init_model',
    'list_models'
]
