# Copyright (c) OpenMMLab. All rights reserved.
from .avs_visualizer import AVSVisualizer, write_image
from .clip_video import write_clip_video
from .contact_sheet import SheetRow, contact_sheet
from .overlay import overlay_mask
from .palette import voc_palette
from .sound_strip import draw_log_mel, draw_waveform

__all__ = [
    'AVSVisualizer', 'SheetRow', 'contact_sheet', 'draw_log_mel',
    'draw_waveform', 'overlay_mask', 'voc_palette', 'write_clip_video',
    'write_image'
]
