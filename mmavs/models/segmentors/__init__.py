# Copyright (c) OpenMMLab. All rights reserved.
from .av_segmentor import AVSegmentor

__all__ = ['AVSegmentor']
