# Copyright (c) OpenMMLab. All rights reserved.
"""Predicted masks as picture files."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.hooks import Hook
from PIL import Image

from mmavs.registry import HOOKS


@HOOKS.register_module()
class PredictionWriterHook(Hook):
    """Write what a test run predicts, one PNG per second of each clip.

    ``OUT_DIR/CLIP_ID/T.png``, T from 0; a pixel's value is its class index
    (0 is background), shown in the data set's colours.

    Args:
        out_dir (str | PathLike): Folder to write to; it is made.
    """

    priority = 'LOW'

    def __init__(self, *, out_dir: str | os.PathLike) -> None:
        self.out_dir = Path(out_dir)

    def after_test_iter(self, runner, batch_idx: int, data_batch=None,
                        outputs: Sequence | None = None) -> None:
        """Write the masks of a batch."""
        meta = getattr(runner.test_dataloader.dataset, 'metainfo', {})
        palette = np.zeros((256, 3), np.uint8)
        colours = np.asarray(meta.get('palette') or [[0] * 3, [255] * 3])
        palette[:len(colours)] = colours
        for sample in outputs or ():
            clip = re.sub(r'[^\w.=+-]+', '_', str(sample.get('clip_id')))
            folder = self.out_dir / clip
            folder.mkdir(parents=True, exist_ok=True)
            for second, mask in enumerate(sample.pred_sem_seg.cpu().numpy()):
                picture = Image.fromarray(mask, mode='P')
                picture.putpalette(palette.reshape(-1).tolist())
                picture.save(folder / f'{second}.png')
