# Copyright (c) OpenMMLab. All rights reserved.
from .metrics import AVSBinaryMetric, AVSSemanticMetric, ClipMetric

__all__ = ['AVSBinaryMetric', 'AVSSemanticMetric', 'ClipMetric']
