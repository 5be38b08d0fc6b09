# Copyright (c) OpenMMLab. All rights reserved.
"""The last step of a pipeline."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mmavs.registry import TRANSFORMS
from mmavs.structures import AVSDataSample

from .base import ClipTransform

META_KEYS = ('clip_id', 'video_id', 'sample_idx', 'split', 'subset',
             'category', 'sound_kinds', 'num_seconds', 'frame_paths',
             'audio_path', 'audio_mode', 'audio_clip_id', 'audio_problem',
             'ori_shape', 'img_shape', 'mask_shape', 'flip')
_MAKERS = dict(frames='LoadClipFrames', waveform='LoadClipAudio',
               log_mel='LogMelSpectrogram')


@TRANSFORMS.register_module()
class PackAVSInputs(ClipTransform):
    """Turn a clip into what the model takes.

    Required Keys:

    - everything in ``collect_keys``
    - masks, valid, label_valid (optional)

    The result has the keys

    - inputs: dict of tensors whose first axis is T: ``frames`` (T, 3, H, W)
      uint8, ``log_mel`` (T, N, 1, 96, 64), ``waveform`` (T, sample_rate)
      with silence at the end, and others as they are
    - data_samples: :class:`AVSDataSample` with ``gt_sem_seg`` (T, H, W)
      uint8, ``valid`` and ``label_valid`` (T,) bool, and the meta data;
      with a waveform also ``num_samples``, where its sound ends

    Args:
        collect_keys (Sequence[str]): What becomes an input. Defaults to
            ('frames', 'log_mel').
        meta_keys (Sequence[str]): What becomes meta data, where it is
            there. Defaults to all that our data sets and transforms give.
    """

    def __init__(self, *,
                 collect_keys: Sequence[str] = ('frames', 'log_mel'),
                 meta_keys: Sequence[str] = META_KEYS) -> None:
        self.collect_keys = tuple(collect_keys)
        self.meta_keys = tuple(meta_keys)

    def transform(self, results: dict) -> dict:
        """Pack the clip; see the class."""
        inputs = {key: self._tensor(results, key)
                  for key in self.collect_keys}
        sample = AVSDataSample(metainfo={
            key: results[key] for key in self.meta_keys if key in results})
        if 'waveform' in inputs:
            sample.set_metainfo(dict(num_samples=min(
                results['waveform'].size, inputs['waveform'].numel())))
        if 'masks' in results:
            sample.gt_sem_seg = torch.from_numpy(np.stack(results['masks']))
        for key in ('valid', 'label_valid'):
            if key in results:
                value = np.array(results[key], dtype=bool)
                setattr(sample, key, torch.from_numpy(value))
        return dict(inputs=inputs, data_samples=sample)

    def _tensor(self, results: dict, key: str) -> Tensor:
        value = self.need(results, key, _MAKERS.get(key, 'what makes it'))
        if key == 'frames':  # to (T, 3, H, W)
            frames = np.stack(value).transpose(0, 3, 1, 2)
            return torch.from_numpy(np.ascontiguousarray(frames))
        if key == 'waveform':  # to (T, sample_rate), silence at the end
            rate = results['sample_rate']
            seconds = np.zeros((results['num_seconds'], rate), np.float32)
            length = min(value.size, seconds.size)
            seconds.reshape(-1)[:length] = value[:length]
            return torch.from_numpy(seconds)
        return torch.as_tensor(value)
