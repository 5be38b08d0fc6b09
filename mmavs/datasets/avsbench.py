# Copyright (c) OpenMMLab. All rights reserved.
"""AVSBench's single-source (S4) and multi-source (MS3) clips.

Zhou et al., "Audio-Visual Segmentation", https://arxiv.org/abs/2207.05042.
"""

import os
from collections.abc import Callable, Mapping, Sequence

from mmavs.registry import DATASETS

from .base import AVSBenchDataset
from .classes import BINARY_CLASSES, voc_palette


class _BinaryDataset(AVSBenchDataset):
    """S4 and MS3: folders by kind of file, masks of what sounds.

    Args:
        data_root (str): Folder of the data set.
        split (str): 'train', 'val' or 'test'. Defaults to 'train'.
        img_suffix (str): Suffix of the frames. Defaults to '.png'.
        mask_dir (str): Folder of the masks. Defaults to 'gt_masks'.
        num_seconds (int): Frames per clip. Defaults to 5.
        ann_file, metainfo, audio_type, audio_mode, indices, serialize_data,
            pipeline, test_mode, lazy_init, filter_cfg, max_refetch,
            on_error: See :class:`AVSBenchDataset`.
    """

    METAINFO = dict(classes=BINARY_CLASSES,
                    palette=voc_palette(len(BINARY_CLASSES)))

    def __init__(self, *, data_root: str, split: str = 'train',
                 img_suffix: str = '.png', mask_dir: str = 'gt_masks',
                 num_seconds: int = 5, ann_file: str = '',
                 metainfo: Mapping | None = None, audio_type: str = 'wav',
                 audio_mode: str = 'true', filter_cfg: dict | None = None,
                 indices: int | Sequence[int] | None = None,
                 serialize_data: bool = True,
                 pipeline: Sequence[dict | Callable] = (),
                 test_mode: bool = False, lazy_init: bool = False,
                 max_refetch: int = 1000, on_error: str = 'raise') -> None:
        self.img_suffix = img_suffix
        self.mask_dir = mask_dir
        self.num_seconds = num_seconds
        super().__init__(
            data_root=data_root, split=split, ann_file=ann_file,
            metainfo=metainfo, audio_type=audio_type, audio_mode=audio_mode,
            filter_cfg=filter_cfg, indices=indices,
            serialize_data=serialize_data, pipeline=pipeline,
            test_mode=test_mode, lazy_init=lazy_init,
            max_refetch=max_refetch, on_error=on_error)

    def _clip(self, *, clip_id: str, subset: str, frames: str, masks: str,
              sound: str, category: str | None, kinds: list[str] | None,
              labelled: int) -> dict:
        """Put a clip together from the beginnings of its file names."""
        seconds = range(1, self.num_seconds + 1)  # numbered from 1
        return dict(
            clip_id=clip_id, video_id=clip_id, split=self.split,
            subset=subset, category=category, sound_kinds=kinds,
            num_seconds=self.num_seconds,
            frame_paths=[f'{frames}_{k}{self.img_suffix}' for k in seconds],
            mask_paths=[f'{masks}_{k}.png' if k <= labelled else None
                        for k in seconds],
            label_valid=[k <= labelled for k in seconds],
            **self.sound_files(sound))

    def _rows(self, columns: Sequence[str]) -> list[dict[str, str]]:
        """Rows of the split; the first column must be unique."""
        rows = [row for row in self.read_csv(columns)
                if row['split'] == self.split]
        seen = set()
        for row in rows:
            name = row[columns[0]]
            if name in seen:
                raise ValueError(f'{self.csv_path()} lists clip {name!r} '
                                 'twice')
            seen.add(name)
        return rows


@DATASETS.register_module()
class AVSBenchS4Dataset(_BinaryDataset):
    """AVSBench's single-source clips (S4, also called v1s).

    5 seconds, one object that always sounds; in training only the first
    frame is labelled. Layout below ``data_root``::

        s4_meta_data.csv                      name,start,category,split
        s4_data/visual_frames/{split}/{category}/{name}/{name}_{1..5}.png
        s4_data/gt_masks     /{split}/{category}/{name}/{name}_{1..5}.png
        s4_data/audio_wav    /{split}/{category}/{name}.wav
        s4_data/audio_log_mel/{split}/{category}/{name}.pkl

    The arguments are those of both S4 and MS3: ``data_root``, ``split``,
    ``img_suffix`` ('.png'), ``mask_dir`` ('gt_masks'), ``num_seconds`` (5),
    and those of :class:`AVSBenchDataset`.
    """

    CSV_NAME = 's4_meta_data.csv'
    DATA_FOLDER = 's4_data'

    def load_clips(self) -> list[dict]:
        """Return the clips of the split; see :class:`AVSBenchDataset`."""
        frames = self.find_folder('visual_frames')
        masks = self.find_folder(self.mask_dir)
        labelled = 1 if self.split == 'train' else self.num_seconds
        clips = []
        for row in self._rows(('name', 'category', 'split')):
            name, category = row['name'], row['category']
            place = os.path.join(self.split, category, name)
            clips.append(self._clip(
                clip_id=name, subset='v1s', category=category,
                kinds=[category], labelled=labelled, sound=place,
                frames=os.path.join(frames, place, name),
                masks=os.path.join(masks, place, name)))
        return clips


@DATASETS.register_module()
class AVSBenchMS3Dataset(_BinaryDataset):
    """AVSBench's multi-source clips (MS3, also called v1m).

    5 seconds, several objects of which some sound; all frames are labelled.
    Layout below ``data_root``::

        ms3_meta_data.csv                     video_id,split
        ms3_data/visual_frames/{video_id}/{video_id}.mp4_{1..5}.png
        ms3_data/gt_masks     /{split}/{video_id}/{video_id}_{1..5}.png
        ms3_data/audio_wav    /{split}/{video_id}.wav
        ms3_data/audio_log_mel/{split}/{video_id}.pkl

    The csv may have two more columns: ``objects``, kinds joined by ``|``,
    and ``sounding``, per second one digit for each object, joined by ``|``
    (``10|11|...``). ``sound_kinds`` comes from them; where they are missing
    or empty it is None.

    The arguments are those of both S4 and MS3: ``data_root``, ``split``,
    ``img_suffix`` ('.png'), ``mask_dir`` ('gt_masks'), ``num_seconds`` (5),
    and those of :class:`AVSBenchDataset`.
    """

    CSV_NAME = 'ms3_meta_data.csv'
    DATA_FOLDER = 'ms3_data'

    def load_clips(self) -> list[dict]:
        """Return the clips of the split; see :class:`AVSBenchDataset`."""
        frames = self.find_folder('visual_frames')
        masks = self.find_folder(self.mask_dir)
        clips = []
        for row in self._rows(('video_id', 'split')):
            name = row['video_id']
            place = os.path.join(self.split, name)
            clips.append(self._clip(
                clip_id=name, subset='v1m', category=None,
                kinds=self._kinds(row), labelled=self.num_seconds,
                sound=place,
                # AVSBench's script left the video's suffix in the names.
                frames=os.path.join(frames, name, f'{name}.mp4'),
                masks=os.path.join(masks, place, name)))
        return clips

    def _kinds(self, row: dict[str, str]) -> list[str] | None:
        if not row.get('objects') or not row.get('sounding'):
            return None
        objects, seconds = row['objects'].split('|'), row['sounding'].split(
            '|')
        if any(len(bits) != len(objects) or set(bits) - set('01')
               for bits in seconds):
            raise ValueError(
                f'{self.csv_path()}: clip {row["video_id"]!r} has the '
                f'objects {row["objects"]!r} but sounding='
                f'{row["sounding"]!r}; there must be a 0 or 1 for each '
                'object and second')
        return sorted({kind for bits in seconds
                       for kind, bit in zip(objects, bits) if bit == '1'})
