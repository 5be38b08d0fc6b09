# Copyright (c) OpenMMLab. All rights reserved.
from .avs_data_preprocessor import AVSDataPreprocessor

__all__ = ['AVSDataPreprocessor']
