# Copyright (c) OpenMMLab. All rights reserved.
from .avs_binary_metric import AVSBinaryMetric
from .avs_semantic_metric import AVSSemanticMetric
from .clip_metric import ClipMetric

__all__ = ['AVSBinaryMetric', 'AVSSemanticMetric', 'ClipMetric']
