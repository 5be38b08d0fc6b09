# Copyright (c) OpenMMLab. All rights reserved.
from .reader import (
    VideoError,
    VideoInfo,
    iter_frames,
    probe_video,
    read_audio,
    read_frames,
    to_rgb,
)
from .segments import Segment, join_segments
from .writer import VideoWriter, write_video

__all__ = [
    'Segment', 'VideoError', 'VideoInfo', 'VideoWriter', 'iter_frames',
    'join_segments', 'probe_video', 'read_audio', 'read_frames', 'to_rgb',
    'write_video'
]
