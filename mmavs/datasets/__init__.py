# Copyright (c) OpenMMLab. All rights reserved.
from .avsbench import AVSBenchMS3Dataset, AVSBenchS4Dataset
from .avsbench_semantic import AVSBenchSemanticDataset
from .base import AVSBenchDataset
from .clip_sampler import ClipIndex, ClipSampler
from .errors import ClipError

__all__ = [
    'AVSBenchDataset', 'AVSBenchMS3Dataset', 'AVSBenchS4Dataset',
    'AVSBenchSemanticDataset', 'ClipError', 'ClipIndex', 'ClipSampler'
]
