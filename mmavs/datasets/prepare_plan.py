# Copyright (c) OpenMMLab. All rights reserved.
"""Which clips to make from which videos, and the csv that lists them."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path

from mmavs.io.atomic import atomic_write
from mmavs.io.table import read_table

from .avsbench import AVSBenchMS3Dataset, AVSBenchS4Dataset
from .prepare import VideoJob

VIDEO_SUFFIXES = ('.mp4', '.mkv', '.mov', '.webm', '.avi')


def plan_avsbench(root: str | os.PathLike, layout: str, *,
                  num_seconds: int = 5) -> list[VideoJob]:
    """List the clips of an AVSBench folder that has ``raw_videos``.

    Args:
        root (str | PathLike): Folder with ``s4_meta_data.csv`` or
            ``ms3_meta_data.csv``.
        layout (str): 's4' or 'ms3'.
        num_seconds (int): Seconds per clip. Defaults to 5.

    Returns:
        list[VideoJob]: One for each row of the csv, whatever the split.
    """
    jobs = []
    for split in ('train', 'val', 'test'):
        for clip in _clips(root, layout, split, num_seconds):
            jobs.append(_job(clip, clip['video']))
    return jobs


def _clips(root: str | os.PathLike, layout: str, split: str,
           num_seconds: int) -> list[dict]:
    """Clips with the paths of wav, log-mel and raw video."""
    kind = dict(s4=AVSBenchS4Dataset, ms3=AVSBenchMS3Dataset)[layout]
    dataset = kind(data_root=os.fspath(root), split=split, lazy_init=True,
                   num_seconds=num_seconds)
    clips = dataset.load_clips()
    dataset.audio_type = 'log_mel'
    for clip, other in zip(clips, dataset.load_clips()):
        raw = Path(dataset.find_folder('raw_videos'))
        if layout == 's4':
            raw = raw / split / clip['category']
        clip.update(log_mel_path=other['log_mel_path'],
                    video=os.fspath(raw / f'{clip["clip_id"]}.mp4'))
    return clips


def _job(clip: dict, video: str, blank_masks: bool = False) -> VideoJob:
    masks = [path for path in clip['mask_paths'] if path is not None]
    return VideoJob(
        clip_id=clip['clip_id'], video=video,
        frames=tuple(clip['frame_paths']), wav=clip['audio_path'],
        log_mel=clip['log_mel_path'],
        blank_masks=tuple(masks) if blank_masks else ())


def find_videos(places: Sequence[str | os.PathLike]) -> list[Path]:
    """List video files, given as files or as folders.

    Raises:
        FileNotFoundError: If a place is not there, or no video is.
        ValueError: If two files have the same stem, which names the clip.
    """
    videos: list[Path] = []
    for place in map(Path, places):
        if place.is_dir():
            videos += sorted(file for file in place.rglob('*')
                             if file.suffix.lower() in VIDEO_SUFFIXES)
        elif place.is_file():
            videos.append(place)
        else:
            raise FileNotFoundError(f'{place}: there is no such video or '
                                    'folder')
    if not videos:
        raise FileNotFoundError(f'no video ({", ".join(VIDEO_SUFFIXES)}) in '
                                f'{[os.fspath(p) for p in places]}')
    by_stem: dict[str, Path] = {}
    for video in videos:
        if video.stem in by_stem:
            raise ValueError(f'{by_stem[video.stem]} and {video} would give '
                             'clips of the same name; rename one')
        by_stem[video.stem] = video
    return videos


def plan_videos(root: str | os.PathLike, videos: Sequence[Path], split: str,
                *, num_seconds: int = 5, blank_masks: bool = False
                ) -> list[VideoJob]:
    """Plan a data set in MS3's layout from any videos and write its csv.

    Videos are added to a csv that is there already.

    Args:
        root (str | PathLike): Folder of the data set.
        videos (Sequence[Path]): The videos; the stem names the clip.
        split (str): Split of the new clips.
        num_seconds (int): Seconds per clip, from the start of the video.
            Defaults to 5.
        blank_masks (bool): Write empty masks, so that programs that want
            masks run; numbers against them mean nothing. Defaults to False.

    Returns:
        list[VideoJob]: One for each video.

    Raises:
        ValueError: If a clip is in another split already.
    """
    path = Path(root) / AVSBenchMS3Dataset.CSV_NAME
    rows, columns = [], ['video_id', 'split']
    if path.is_file():
        found, rows = read_table(path)
        columns = found or columns
    known = {row['video_id']: row['split'] for row in rows}
    for video in videos:
        if known.setdefault(video.stem, split) != split:
            raise ValueError(f'{path}: clip {video.stem!r} is in split '
                             f'{known[video.stem]!r} already')
    listed = {row['video_id'] for row in rows}
    rows += [dict(video_id=video.stem, split=split) for video in videos
             if video.stem not in listed]
    write_rows(path, columns, rows)
    sources = {video.stem: os.fspath(video) for video in videos}
    return [_job(clip, sources[clip['clip_id']], blank_masks)
            for clip in _clips(root, 'ms3', split, num_seconds)
            if clip['clip_id'] in sources]


def write_rows(path: Path, columns: Sequence[str],
               rows: Sequence[dict]) -> None:
    """Write a csv with these columns."""
    with atomic_write(path, mode='w') as f:
        writer = csv.DictWriter(f, columns, restval='', lineterminator='\n')
        writer.writeheader()
        writer.writerows(rows)


def drop_from_csv(root: str | os.PathLike, clip_ids: set[str]) -> None:
    """Remove clips that could not be made from MS3's csv."""
    path = Path(root) / AVSBenchMS3Dataset.CSV_NAME
    columns, rows = read_table(path)
    write_rows(path, columns, [row for row in rows
                               if row['video_id'] not in clip_ids])
