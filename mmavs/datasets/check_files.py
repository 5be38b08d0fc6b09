# Copyright (c) OpenMMLab. All rights reserved.
"""Looking at the files of one clip."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from mmavs.audio import read_wav
from mmavs.io.tensor_pickle import load_tensor_pickle

from .errors import ClipError
from .transforms.images import (
    binary_mask,
    index_mask,
    is_coloured,
    read_image,
)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Args:
        layout (str): 's4', 'ms3' or 'avss'.
        split (str): Split of the clip, '' for the csv.
        kind (str): 'frames', 'masks', 'wav', 'log_mel' or 'csv'.
        clip_id (str): The clip, '' for the csv.
        path (str): The file.
        sort (str): 'missing', 'unreadable' or 'wrong'.
        text (str): What is wrong.
    """

    layout: str
    split: str
    kind: str
    clip_id: str
    path: str
    sort: str
    text: str


@dataclass(frozen=True)
class CheckOptions:
    """What to look at.

    Args:
        img_suffix (str, optional): Suffix of the frames; None finds it out.
            Defaults to None.
        mask_dir (str, optional): Folder of the masks; None is the data
            set's own. Defaults to None.
        num_seconds (int): Seconds of S4 and MS3 clips. Defaults to 5.
        masks (bool): Whether there must be masks. Defaults to True.
        audio_types (Sequence[str], optional): 'wav', 'log_mel' or both; None
            looks at those whose folder is there. Defaults to None.
        tolerance (float): Seconds by which a wav may be shorter or longer
            than its clip. Defaults to 0.5.
        num_classes (int): Classes of index masks. Defaults to 71.
    """

    img_suffix: str | None = None
    mask_dir: str | None = None
    num_seconds: int = 5
    masks: bool = True
    audio_types: Sequence[str] | None = None
    tolerance: float = 0.5
    num_classes: int = 71


class _WrongError(ValueError):
    """A file that can be read but does not fit."""


def check_clip(layout: str, clip: dict, options: CheckOptions
               ) -> tuple[Counter, list[Problem]]:
    """Read every file of a clip.

    Args:
        layout (str): 's4', 'ms3' or 'avss'.
        clip (dict): See :class:`AVSBenchDataset`; ``wanted`` lists the kinds
            of sound file to look at.
        options (CheckOptions): What to look at.

    Returns:
        tuple: Number of files by (layout, split, kind), and the problems.
    """
    look = _Look(layout, clip)
    seconds = clip['num_seconds']
    size = None
    for path in clip['frame_paths']:
        size = look('frames', path, _check_frame, clip['clip_id'],
                    size) or size
    # S4's and MS3's masks may have another size than the frames.
    mask_size = size if layout == 'avss' else None
    by_class = layout == 'avss' or options.mask_dir == 'gt_semantic'
    num_classes = options.num_classes if by_class else None
    for path in clip['mask_paths'] if options.masks else ():
        if path is not None:
            look('masks', path, _check_mask, clip['clip_id'], mask_size,
                 num_classes)
    if 'wav' in clip['wanted']:
        look('wav', clip['audio_path'], _check_wav, seconds,
             options.tolerance)
    if 'log_mel' in clip['wanted']:
        look('log_mel', clip['log_mel_path'], _check_log_mel, seconds)
    return look.files, look.problems


class _Look:
    """Runs checks and notes what they raise."""

    def __init__(self, layout: str, clip: dict) -> None:
        self.layout = layout
        self.split = clip['split']
        self.clip_id = clip['clip_id']
        self.files: Counter = Counter()
        self.problems: list[Problem] = []

    def __call__(self, kind: str, path: str, check: Callable,
                 *args: object) -> object:
        self.files[self.layout, self.split, kind] += 1
        try:
            return check(path, *args)
        except (OSError, ValueError, ClipError) as error:
            sort, text = _describe(error)
            self.problems.append(Problem(
                self.layout, self.split, kind, self.clip_id, path, sort,
                text.removeprefix(f'{path}: ')))
        return None


def _describe(error: Exception) -> tuple[str, str]:
    for cause in (error, error.__cause__):
        if isinstance(cause, FileNotFoundError):
            return 'missing', 'is missing'
    if isinstance(error, _WrongError):
        return 'wrong', str(error)
    return 'unreadable', getattr(error, 'problem', '') or str(error)


def _check_frame(path: str, clip_id: str, size: tuple[int, int] | None
                 ) -> tuple[int, int]:
    found = read_image(path, clip_id).convert('RGB').size
    _check_size(found, size)
    return found


def _check_size(found: tuple[int, int], size: tuple[int, int] | None
                ) -> None:
    if size is not None and found != size:
        raise _WrongError(f'is {found[0]}x{found[1]}, the clip\'s first '
                          f'frame is {size[0]}x{size[1]}')


def _check_mask(path: str, clip_id: str, size: tuple[int, int] | None,
                num_classes: int | None) -> None:
    image = read_image(path, clip_id)
    _check_size(image.size, size)
    if num_classes is None:
        _check_binary_mask(image)
    elif not is_coloured(image) and index_mask(image).max() >= num_classes:
        raise _WrongError(f'holds class {index_mask(image).max()} of '
                          f'{num_classes}')


def _check_binary_mask(image: Image.Image) -> None:
    grey = np.asarray(image.convert('L'))
    if grey.any() and not binary_mask(image).any():
        raise _WrongError(f'has no pixel above 127 but some up to '
                          f'{grey.max()}; it would count as empty (masks '
                          'hold 0 and 255)')


def _check_wav(path: str, seconds: int, tolerance: float) -> None:
    samples, rate = read_wav(path)
    length = samples.shape[1] / rate
    if abs(length - seconds) > tolerance:
        raise _WrongError(f'is {length:.2f} s long, the clip {seconds} s')


def _check_log_mel(path: str, seconds: int) -> None:
    log_mel = load_tensor_pickle(path)
    if log_mel.shape != (seconds, 1, 96, 64):
        raise _WrongError(f'has the shape {tuple(log_mel.shape)}, not '
                          f'{(seconds, 1, 96, 64)}')
    if not log_mel.isfinite().all():
        raise _WrongError('holds values that are not finite')
