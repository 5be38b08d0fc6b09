# Copyright (c) OpenMMLab. All rights reserved.
from .writer import VideoWriter, write_video

__all__ = ['VideoWriter', 'write_video']
