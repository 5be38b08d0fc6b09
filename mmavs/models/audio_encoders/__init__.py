# Copyright (c) OpenMMLab. All rights reserved.
from .base import AudioEncoder
from .log_mel_cnn import LogMelCNN
from .vggish import VGGish
from .yamnet import YAMNet

__all__ = ['AudioEncoder', 'LogMelCNN', 'VGGish', 'YAMNet']
