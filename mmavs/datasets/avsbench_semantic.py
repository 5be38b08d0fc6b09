# Copyright (c) OpenMMLab. All rights reserved.
"""AVSBench-semantic: which class sounds where.

Zhou et al., "Audio-Visual Segmentation with Semantics",
https://arxiv.org/abs/2301.13190.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mmavs.registry import DATASETS

from .base import AVSBenchDataset
from .classes import SEMANTIC_CLASSES, voc_palette

NUM_SECONDS = dict(v1s=5, v1m=5, v2=10)
_NO_KIND = ('background', 'off-the-screen', '')


@DATASETS.register_module()
class AVSBenchSemanticDataset(AVSBenchDataset):
    """AVSBench-semantic (AVSS): v1s and v1m of 5 and v2 of 10 seconds.

    In training v1s clips have a label at the first second only. Layout
    below ``data_root``, the folder ``{label}`` may be doubled::

        metadata.csv              vid,uid,s_min,s_sec,a_obj,split,label
        label2idx.json            class name -> index, optional
        {label}/{uid}/frames/{0..}.jpg
        {label}/{uid}/labels_semantic/{0..}.png    class indices
        {label}/{uid}/labels_rgb/{0..}.png         class colours
        {label}/{uid}/audio.wav

    The classes are read from ``label2idx.json`` where it is present.

    Args:
        data_root (str): Folder of the data set.
        split (str): 'train', 'val' or 'test'. Defaults to 'train'.
        subsets (str | Sequence[str]): Labels to use. Defaults to ('v1s',
            'v1m', 'v2').
        img_suffix (str): Suffix of the frames. Defaults to '.jpg'.
        mask_dir (str): 'labels_semantic', 'labels_rgb', or 'auto': for each
            subset the former if its first clip has it. Defaults to 'auto'.

    The other arguments are those of :class:`AVSBenchDataset`; the sound is
    always read from wav.
    """

    METAINFO = dict(classes=SEMANTIC_CLASSES,
                    palette=voc_palette(len(SEMANTIC_CLASSES)))
    CSV_NAME = 'metadata.csv'

    def __init__(self, *, data_root: str, split: str = 'train',
                 subsets: str | Sequence[str] = ('v1s', 'v1m', 'v2'),
                 img_suffix: str = '.jpg', mask_dir: str = 'auto',
                 ann_file: str = '', metainfo: Mapping | None = None,
                 audio_mode: str = 'true', filter_cfg: dict | None = None,
                 indices: int | Sequence[int] | None = None,
                 serialize_data: bool = True,
                 pipeline: Sequence[dict | Callable] = (),
                 test_mode: bool = False, lazy_init: bool = False,
                 max_refetch: int = 1000, on_error: str = 'raise') -> None:
        self.subsets = (subsets,) if isinstance(subsets, str) else (
            tuple(subsets))
        if not self.subsets or set(self.subsets) - set(NUM_SECONDS):
            raise ValueError(f'subsets must be some of {list(NUM_SECONDS)}, '
                             f'got {subsets}')
        self.img_suffix = img_suffix
        self.mask_dir = mask_dir
        super().__init__(
            data_root=data_root, split=split, ann_file=ann_file,
            metainfo=_with_classes(metainfo, Path(data_root)),
            audio_mode=audio_mode, filter_cfg=filter_cfg, indices=indices,
            serialize_data=serialize_data, pipeline=pipeline,
            test_mode=test_mode, lazy_init=lazy_init,
            max_refetch=max_refetch, on_error=on_error)

    def load_clips(self) -> list[dict]:
        """Return the clips of the split; see :class:`AVSBenchDataset`."""
        rows = [row for row in self.read_csv(('uid', 'split', 'label'))
                if row['split'] == self.split
                and row['label'] in self.subsets]
        mask_dirs: dict[str, str] = {}
        clips, seen = [], set()
        for row in rows:
            label, uid = row['label'], row['uid']
            folder = self._clip_folder(label, uid)
            if label not in mask_dirs:
                mask_dirs[label] = self._choose_mask_dir(folder)
            # A video may be in two subsets under one name.
            clip_id = uid if uid not in seen else f'{uid}@{label}'
            if clip_id in seen:
                raise ValueError(f'{self.csv_path()} lists clip {uid!r} '
                                 f'twice for {label!r}')
            seen.add(clip_id)
            clips.append(self._clip(row, clip_id, folder, mask_dirs[label]))
        return clips

    def _clip(self, row: dict[str, str], clip_id: str, folder: str,
              mask_dir: str) -> dict:
        label = row['label']
        num_seconds = NUM_SECONDS[label]
        labelled = (1 if label == 'v1s' and self.split == 'train' else
                    num_seconds)
        names = row.get('a_obj') or None
        kinds = None if names is None else sorted(
            set(names.split('_')) - set(_NO_KIND))
        return dict(
            clip_id=clip_id, video_id=row.get('vid') or row['uid'],
            split=self.split, subset=label, category=names,
            sound_kinds=kinds, num_seconds=num_seconds,
            frame_paths=[
                os.path.join(folder, 'frames', f'{k}{self.img_suffix}')
                for k in range(num_seconds)],
            mask_paths=[
                os.path.join(folder, mask_dir, f'{k}.png')
                if k < labelled else None for k in range(num_seconds)],
            label_valid=[k < labelled for k in range(num_seconds)],
            audio_path=os.path.join(folder, 'audio.wav'))

    def _clip_folder(self, label: str, uid: str) -> str:
        root = Path(self.data_root) / label
        doubled = root / label
        return os.fspath((doubled if doubled.is_dir() else root) / uid)

    def _choose_mask_dir(self, folder: str) -> str:
        if self.mask_dir != 'auto':
            return self.mask_dir
        has_rgb_only = (
            os.path.isdir(os.path.join(folder, 'labels_rgb'))
            and not os.path.isdir(os.path.join(folder, 'labels_semantic')))
        return 'labels_rgb' if has_rgb_only else 'labels_semantic'


def _with_classes(metainfo: Mapping | None, root: Path) -> dict:
    """Add the classes of ``label2idx.json`` unless they are given."""
    metainfo = dict(metainfo or {})
    path = root / 'label2idx.json'
    if 'classes' not in metainfo and path.is_file():
        try:
            table = json.loads(path.read_text(encoding='utf-8'))
            names = sorted(table, key=table.__getitem__)
            valid = [table[name] for name in names] == list(range(len(names)))
        except (ValueError, TypeError, LookupError) as error:
            raise ValueError(f'{path}: is not a table of class names and '
                             f'indices ({error})') from error
        if not valid or not names:
            raise ValueError(f'{path}: its indices are not 0, 1, 2, ...')
        metainfo['classes'] = tuple(names)
    return metainfo
