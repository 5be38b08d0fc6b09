# Copyright (c) OpenMMLab. All rights reserved.
"""One clip's labels and predictions."""

from mmengine.structures import BaseDataElement
from torch import Tensor


class AVSDataSample(BaseDataElement):
    """Labels and predictions of one clip, with MMSegmentation's field names.

    MMEngine's ``PixelData`` takes no 4-D maps, so the fields are plain
    tensors whose first axis is time. T is the clip's own number of seconds,
    without padding.

    Data fields (all optional):

    - ``gt_sem_seg`` (T, H, W) uint8: class index of each pixel, 0 is
      background; seconds without a label are all 0.
    - ``valid`` (T,) bool: seconds that exist.
    - ``label_valid`` (T,) bool: seconds whose label counts in the loss.
    - ``pred_sem_seg`` (T, H, W) uint8: predicted class index.
    - ``seg_logits`` (T, K, H, W) float: scores (log-odds where K = 1); only
      on request.

    Meta fields: ``clip_id``, ``sample_idx``, ``frame_paths``, ``audio_path``,
    ``ori_shape``, ``img_shape``, ``mask_shape``, ``subset``, ``category``
    and ``sound_kinds``, as far as the data set knows them.
    """

    @property
    def gt_sem_seg(self) -> Tensor:
        return self._gt_sem_seg

    @gt_sem_seg.setter
    def gt_sem_seg(self, value: Tensor) -> None:
        self._set_maps(value, '_gt_sem_seg', 3)

    @gt_sem_seg.deleter
    def gt_sem_seg(self) -> None:
        del self._gt_sem_seg

    @property
    def pred_sem_seg(self) -> Tensor:
        return self._pred_sem_seg

    @pred_sem_seg.setter
    def pred_sem_seg(self, value: Tensor) -> None:
        self._set_maps(value, '_pred_sem_seg', 3)

    @pred_sem_seg.deleter
    def pred_sem_seg(self) -> None:
        del self._pred_sem_seg

    @property
    def seg_logits(self) -> Tensor:
        return self._seg_logits

    @seg_logits.setter
    def seg_logits(self, value: Tensor) -> None:
        self._set_maps(value, '_seg_logits', 4)

    @seg_logits.deleter
    def seg_logits(self) -> None:
        del self._seg_logits

    @property
    def valid(self) -> Tensor:
        return self._valid

    @valid.setter
    def valid(self, value: Tensor) -> None:
        self._set_maps(value, '_valid', 1)

    @valid.deleter
    def valid(self) -> None:
        del self._valid

    @property
    def label_valid(self) -> Tensor:
        return self._label_valid

    @label_valid.setter
    def label_valid(self, value: Tensor) -> None:
        self._set_maps(value, '_label_valid', 1)

    @label_valid.deleter
    def label_valid(self) -> None:
        del self._label_valid

    def _set_maps(self, value: Tensor, name: str, num_axes: int) -> None:
        if not isinstance(value, Tensor) or value.dim() != num_axes:
            found = (tuple(value.shape) if isinstance(value, Tensor) else
                     type(value).__name__)
            raise ValueError(
                f'{name[1:]} must be a tensor with {num_axes} axes, the first '
                f'of them time, got {found}')
        self.set_field(value, name, dtype=Tensor)
