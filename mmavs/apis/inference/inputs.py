# Copyright (c) OpenMMLab. All rights reserved.
"""What a user may hand to an inferencer."""

import os
import re
from pathlib import Path
from typing import Any

from mmengine.logging import print_log

from mmavs.audio import read_wav

from .sources import ArrayClip, ClipSource, FileClip

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp')
VIDEO_SUFFIXES = ('.mp4', '.mkv', '.avi', '.mov', '.webm', '.m4v', '.mpg',
                  '.mpeg', '.ts', '.flv', '.wmv', '.3gp', '.ogv')
MISSING_AUDIO = ('raise', 'silence')


def make_source(item: Any, *, audio_stream: int = 0,
                on_missing_audio: str = 'raise') -> ClipSource:
    """Open one input.

    Args:
        item (Any): A video file; a pair (folder of frames, wav file), one
            frame a second; or (frames, fps, waveform, sample rate) or a
            dict with these names.
        audio_stream (int): Which of several sound tracks. Defaults to 0.
        on_missing_audio (str): 'raise', or 'silence' for videos without
            sound, or with sound for less than half of their length.
            Defaults to 'raise'.

    Returns:
        ClipSource: The input.

    Raises:
        ValueError: If it cannot be used; the message names it.
    """
    if on_missing_audio not in MISSING_AUDIO:
        raise ValueError(f'on_missing_audio must be one of {MISSING_AUDIO}, '
                         f'got {on_missing_audio!r}')
    if isinstance(item, str | os.PathLike):
        source = FileClip(item, audio_stream)
    elif isinstance(item, dict):
        source = ArrayClip(
            item['frames'], item['fps'], item.get('waveform'),
            item.get('sample_rate'), item.get('name', 'clip'))
    elif isinstance(item, tuple | list) and len(item) == 4:
        source = ArrayClip(*item)
    elif isinstance(item, tuple | list) and len(item) == 2:
        source = _folder_clip(*item)
    else:
        raise ValueError(
            'an input is a video file, a pair (folder of frames, wav file) '
            'or (frames, fps, waveform, sample rate), got '
            f'{type(item).__name__}')
    _check_sound(source, on_missing_audio)
    return source


def _folder_clip(folder: str | os.PathLike,
                 sound: str | os.PathLike | None) -> ArrayClip:
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f'{folder}: there is no such folder of '
                                'frames')
    paths = [p for p in folder.iterdir()
             if p.suffix.lower() in IMAGE_SUFFIXES]
    if not paths:
        raise ValueError(f'{folder}: holds no frames '
                         f'({", ".join(IMAGE_SUFFIXES)})')
    waveform, rate = (None, None) if sound is None else read_wav(sound)
    if waveform is not None:
        waveform = waveform.T  # to (samples, channels)
    return ArrayClip(sorted(paths, key=natural_key), 1., waveform, rate,
                     folder.name)


def natural_key(path: str | os.PathLike) -> tuple:
    """Sort key that puts frame 2 before frame 10."""
    return tuple((int(part) if part.isdigit() else -1, part)
                 for part in re.split(r'(\d+)', Path(path).name))


def _check_sound(source: ClipSource, on_missing: str) -> None:
    if not source.sample_rate:
        problem = 'has no sound'
    elif source.audio_duration < 0.5 * source.duration:
        problem = (f'has sound for {source.audio_duration:.1f} of its '
                   f'{source.duration:.1f} s only')
    else:
        return
    if on_missing == 'raise':
        raise ValueError(
            f'{source.origin}: {problem}; an audio-visual model needs it '
            '(on_missing_audio="silence" goes on as if it were silent)')
    print_log(f'{source.origin}: {problem}, the rest counts as silence',
              logger='current', level=30)


def list_inputs(inputs: Any) -> list:
    """Flatten what a user passes into single inputs.

    A folder stands for the videos in it; a list for its items. A pair
    (folder, wav file) and a four-tuple with arrays are one input.

    Raises:
        ValueError: If a folder holds no video.
    """
    if isinstance(inputs, list):
        return [item for entry in inputs for item in list_inputs(entry)]
    # os.path says no, and raises nothing, where one may not look.
    if isinstance(inputs, str | os.PathLike) and os.path.isdir(inputs):
        videos = sorted((p for p in Path(inputs).iterdir()
                         if p.suffix.lower() in VIDEO_SUFFIXES),
                        key=natural_key)
        if not videos:
            raise ValueError(
                f'{inputs}: holds no video; for a folder of frames pass the '
                'pair (folder, wav file)')
        return [str(path) for path in videos]
    return [inputs]
