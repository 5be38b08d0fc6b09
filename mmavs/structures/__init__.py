# Copyright (c) OpenMMLab. All rights reserved.
from .av_features import AVFeatures
from .avs_data_sample import AVSDataSample

__all__ = ['AVFeatures', 'AVSDataSample']
