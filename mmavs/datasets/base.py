# Copyright (c) OpenMMLab. All rights reserved.
"""What the data sets of AVSBench have in common."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.dataset import BaseDataset
from mmengine.logging import print_log

from mmavs.io.table import read_table

from .audio_mode import parse_audio_mode, swap_audio
from .classes import voc_palette
from .errors import ClipError

AUDIO_TYPES = ('wav', 'log_mel')
SPLITS = ('train', 'val', 'test')


class AVSBenchDataset(BaseDataset):
    """Clips of T seconds, each with a frame, a second of sound and a mask.

    A subclass implements :meth:`load_clips`, which returns one dict per
    clip with the keys

    - ``clip_id`` (unique), ``video_id``, ``split``, ``subset`` ('v1s',
      'v1m' or 'v2'), ``category`` (str or None);
    - ``sound_kinds`` (sorted list[str] or None where unknown): the kinds
      that sound anywhere in the clip;
    - ``num_seconds`` T, ``frame_paths`` (T), ``mask_paths`` (T; None where
      the split has no label), ``label_valid`` (T);
    - ``audio_path`` (wav) or ``log_mel_path`` (pickle), by ``audio_type``.

    Only the csv must exist when the data set is made; the files of a clip
    are looked at when it is loaded (``tools/dataset_converters/
    check_avsbench.py`` looks at all of them).

    Args:
        data_root (str): Folder of the data set.
        split (str): 'train', 'val' or 'test'. Defaults to 'train'.
        ann_file (str): The csv, absolute or relative to ``data_root``; ''
            looks for the official name. Defaults to ''.
        metainfo (dict, optional): Overrides ``classes`` and ``palette`` (VOC
            colours if only classes are given). Defaults to None.
        audio_type (str): 'wav', or 'log_mel' for the pickled spectrograms.
            Defaults to 'wav'.
        audio_mode (str): 'true'; 'swapped', 'silence' or 'noise:SNR' give
            other sound, to see whether a model listens. Defaults to 'true'.
        filter_cfg (dict, optional): Of the base class, which ignores it.
            Defaults to None.
        indices (int | Sequence[int], optional): Use only the first (last,
            if negative) clips, or these. Defaults to None.
        serialize_data (bool): Share the list between workers. Defaults to
            True.
        pipeline (Sequence): Transforms. Defaults to ().
        test_mode (bool): Whether this is for testing. Defaults to False.
        lazy_init (bool): Read the csv at the first access only. Defaults to
            False.
        max_refetch (int): Of the base class; our transforms never skip a
            clip. Defaults to 1000.
        on_error (str): What happens with a clip that cannot be read:
            'raise', or 'skip' it, see :meth:`prepare_data`. Defaults to
            'raise'.
    """

    #: Official names of the csv and of the folder that may hold the data.
    CSV_NAME: str = ''
    DATA_FOLDER: str = ''

    def __init__(self, *, data_root: str, split: str = 'train',
                 ann_file: str = '', metainfo: Mapping | None = None,
                 audio_type: str = 'wav', audio_mode: str = 'true',
                 filter_cfg: dict | None = None,
                 indices: int | Sequence[int] | None = None,
                 serialize_data: bool = True,
                 pipeline: Sequence[dict | Callable] = (),
                 test_mode: bool = False, lazy_init: bool = False,
                 max_refetch: int = 1000, on_error: str = 'raise') -> None:
        if on_error not in ('raise', 'skip'):
            raise ValueError("on_error must be 'raise' or 'skip', got "
                             f'{on_error!r}')
        self.on_error = on_error
        if split not in SPLITS:
            raise ValueError(f'split must be one of {SPLITS}, got {split!r}')
        if audio_type not in AUDIO_TYPES:
            raise ValueError(f'audio_type must be one of {AUDIO_TYPES}, got '
                             f'{audio_type!r}')
        self.audio_kind, snr = parse_audio_mode(audio_mode)
        if self.audio_kind == 'noise' and audio_type != 'wav':
            raise ValueError('audio_mode="noise:SNR" adds noise to the '
                             'waveform; it needs audio_type="wav"')
        self.split = split
        self.audio_type = audio_type
        self.audio_mode = audio_mode
        metainfo = dict(metainfo or {})
        if 'classes' in metainfo:
            metainfo.setdefault('palette',
                                voc_palette(len(metainfo['classes'])))
        super().__init__(
            ann_file=ann_file, metainfo=metainfo, data_root=data_root,
            data_prefix=dict(), filter_cfg=filter_cfg, indices=indices,
            serialize_data=serialize_data, pipeline=list(pipeline),
            test_mode=test_mode, lazy_init=lazy_init,
            max_refetch=max_refetch)

    def load_clips(self) -> list[dict]:
        """Return the clips of the split; see the class."""
        raise TypeError(f'{type(self).__name__} must define load_clips()')

    def load_data_list(self) -> list[dict]:
        """Return the clips of the split with the sound that is asked for.

        Raises:
            FileNotFoundError: If the csv is not there.
            ValueError: If it is not the expected one or lists no clip of
                the split.
        """
        clips = self.load_clips()
        if not clips:
            raise ValueError(f'{self.csv_path()} lists no clip for split '
                             f'{self.split!r}')
        for clip in clips:
            mode = 'true' if self.audio_kind == 'swapped' else self.audio_mode
            clip.update(audio_mode=mode, audio_clip_id=clip['clip_id'])
        if self.audio_kind == 'swapped':
            swap_audio(clips)
        return clips

    def prepare_data(self, idx: int) -> Any:
        """Load a clip.

        With ``on_error='skip'`` the next clip that can be read stands in for
        a broken one, so that batches and processes keep their sizes. It does
        not count: in training it has no labels, and the metrics count each
        clip once. Which one it is follows from ``idx`` alone. The data
        sample's ``skipped`` says which clips were left out and why;
        :class:`ClipReportHook` collects that.

        Args:
            idx (int): Position of the clip, or a :class:`ClipIndex`, which
                also says the seed and the epoch its augmentation depends on.

        Returns:
            Any: What the pipeline makes of the clip.

        Raises:
            ClipError: If the clip cannot be read, with ``on_error='skip'``
                if none can.
        """
        is_padding = getattr(idx, 'is_padding', False)
        skipped: list[ClipError] = []
        for step in range(len(self) if self.on_error == 'skip' else 1):
            place = (int(idx) + step) % len(self) if step else int(idx)
            info = self.get_data_info(place)
            info['aug_key'] = (getattr(idx, 'seed', 0),
                               getattr(idx, 'epoch', 0), info['sample_idx'])
            if (is_padding or skipped) and not self.test_mode:
                # It only fills the batch; its loss must not count.
                info['label_valid'] = [False] * info['num_seconds']
            try:
                return _with_report(self.pipeline(info), skipped)
            except ClipError as error:
                if self.on_error == 'raise':
                    raise
                skipped.append(error)
        raise ClipError(
            skipped[0].clip_id, skipped[0].path, f'{skipped[0].problem}; '
            f'nor can any other of the {len(skipped)} clips be read')

    def csv_path(self) -> Path:
        """Return where the csv is, or the most likely place."""
        if self.ann_file:
            return Path(self.ann_file)  # the base class joined it
        root = Path(self.data_root)
        places = [folder / self.CSV_NAME for folder in self._folders()]
        return next((p for p in places if p.is_file()), root / self.CSV_NAME)

    def read_csv(self, columns: Sequence[str]) -> list[dict[str, str]]:
        """Read the rows of the csv.

        Args:
            columns (Sequence[str]): Columns it must have.

        Returns:
            list[dict]: A dict per row, of all splits.

        Raises:
            FileNotFoundError: If the csv is not there.
            ValueError: If it is no csv, or a column or a value is missing.
        """
        path = self.csv_path()
        if not path.is_file():
            raise FileNotFoundError(
                f'{path} is not there; set data_root of '
                f'{type(self).__name__} to the folder that holds '
                f'{path.name} (docs/en/user_guides/data.md)')
        found, rows = read_table(path)
        missing = set(columns) - set(found)
        if missing:
            raise ValueError(f'{path} has the columns {found}, but '
                             f'{sorted(missing)} must be there')
        for number, row in enumerate(rows, 2):
            if any(not row[column] for column in columns):
                raise ValueError(f'{path}, row {number}: a value of '
                                 f'{list(columns)} is missing')
        return rows

    def find_folder(self, name: str) -> str:
        """Return the folder ``name``, in the plain or the doubled layout.

        Mirrors of AVSBench have ``s4_data/visual_frames`` or
        ``s4_data/s4_data/visual_frames``; a data set of one's own may have
        ``visual_frames`` beside the csv.
        """
        places = [folder / name for folder in self._folders()]
        return os.fspath(next((p for p in places if p.is_dir()), places[0]))

    def sound_files(self, stem: str) -> dict[str, str]:
        """Return the paths of a clip's sound, by ``audio_type``.

        Args:
            stem (str): Path below ``audio_wav`` without the suffix.
        """
        if self.audio_type == 'wav':
            folder = self.find_folder('audio_wav')
            return dict(audio_path=os.path.join(folder, f'{stem}.wav'))
        folder = self.find_folder('audio_log_mel')
        return dict(log_mel_path=os.path.join(folder, f'{stem}.pkl'))

    def _folders(self) -> list[Path]:
        root = Path(self.data_root)
        if not self.DATA_FOLDER:
            return [root]
        inner = root / self.DATA_FOLDER
        return [inner, inner / self.DATA_FOLDER, root]


def _with_report(data: Any, skipped: list[ClipError]) -> Any:
    """Note on a packed clip which broken ones it stands in for."""
    if skipped and isinstance(data, dict) and 'data_samples' in data:
        data['data_samples'].set_metainfo(dict(skipped=[
            (error.clip_id, error.path, error.problem)
            for error in skipped]))
    elif skipped:
        for error in skipped:
            print_log(f'skipped: {error}', 'current', 30)
    return data
