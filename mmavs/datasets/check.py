# Copyright (c) OpenMMLab. All rights reserved.
"""Looking at every file of a data set before a training starts."""

import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from .avsbench import AVSBenchMS3Dataset, AVSBenchS4Dataset
from .avsbench_semantic import AVSBenchSemanticDataset
from .base import SPLITS, AVSBenchDataset
from .check_files import CheckOptions, Problem, check_clip

LAYOUTS = dict(s4=(AVSBenchS4Dataset, 'Single-source'),
               ms3=(AVSBenchMS3Dataset, 'Multi-sources'),
               avss=(AVSBenchSemanticDataset, 'AVSS'))


@dataclass
class CheckReport:
    """What was looked at and what was found.

    Args:
        clips (Counter): Number of clips by (layout, split).
        files (Counter): Number of files by (layout, split, kind).
        problems (list[Problem]): In the order of the csv.
    """

    clips: Counter = field(default_factory=Counter)
    files: Counter = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)

    def count(self, layout: str, split: str, kind: str, sort: str) -> int:
        """Return the number of problems of one sort."""
        return sum((p.layout, p.split, p.kind, p.sort)
                   == (layout, split, kind, sort) for p in self.problems)


def find_data_sets(root: str | os.PathLike) -> dict[str, str]:
    """Return the folder of each layout below ``root``, by its csv.

    Args:
        root (str | PathLike): The folder of one data set, or of all of
            AVSBench (``Single-source``, ``Multi-sources``, ``AVSS``).
    """
    found = {}
    for layout, (kind, folder) in LAYOUTS.items():
        for place in (Path(root), Path(root) / folder):
            dataset = kind(data_root=os.fspath(place), lazy_init=True)
            if dataset.csv_path().is_file():
                found[layout] = os.fspath(place)
                break
    return found


def check_data_set(root: str, layout: str, *,
                   options: CheckOptions | None = None, workers: int = 2,
                   report: CheckReport | None = None,
                   progress: Callable[[int, int], None] | None = None
                   ) -> CheckReport:
    """Look at every file that the csv of a data set asks for.

    Args:
        root (str): Folder of the data set.
        layout (str): 's4', 'ms3' or 'avss'.
        options (CheckOptions, optional): What to look at. Defaults to None:
            its defaults.
        workers (int): Threads. Defaults to 2.
        report (CheckReport, optional): Report to add to. Defaults to None.
        progress (callable, optional): Called with the number of clips done
            and of all clips. Defaults to None.

    Returns:
        CheckReport: What was found.
    """
    options = options or CheckOptions()
    report = report or CheckReport()
    jobs, seen = [], {}
    for split in SPLITS:
        for clip in _list_clips(root, layout, split, options, report):
            report.clips[layout, split] += 1
            name = clip['clip_id']
            if name in seen:
                report.problems.append(Problem(
                    layout, split, 'csv', name, clip['frame_paths'][0],
                    'wrong', f'is in split {seen[name]!r} too'))
            seen.setdefault(name, split)
            jobs.append((layout, clip, options))
    with ThreadPoolExecutor(max(1, workers)) as pool:
        results = pool.map(lambda job: check_clip(*job), jobs)
        for done, (files, problems) in enumerate(results, 1):
            report.files.update(files)
            report.problems.extend(problems)
            if progress is not None:
                progress(done, len(jobs))
    return report


def _list_clips(root: str, layout: str, split: str, options: CheckOptions,
                report: CheckReport) -> list[dict]:
    try:
        dataset = _make_data_set(root, layout, split, options)
        clips = dataset.load_clips()
        sounds = [('wav', 'audio_path', 'audio_wav')]
        if layout != 'avss':
            sounds.append(('log_mel', 'log_mel_path', 'audio_log_mel'))
        wanted = [kind for kind, _, folder in sounds if (
            kind in options.audio_types if options.audio_types else
            layout == 'avss' or os.path.isdir(dataset.find_folder(folder)))]
        for clip in clips:
            clip['wanted'] = wanted or ['wav']
        if 'log_mel' in wanted:
            dataset.audio_type = 'log_mel'
            for clip, other in zip(clips, dataset.load_clips()):
                clip['log_mel_path'] = other['log_mel_path']
    except (OSError, ValueError) as error:
        report.problems.append(Problem(layout, '', 'csv', '', root, 'wrong',
                                       str(error)))
        return []
    return clips


def _make_data_set(root: str, layout: str, split: str,
                   options: CheckOptions) -> AVSBenchDataset:
    kind = LAYOUTS[layout][0]
    kwargs = dict(data_root=root, split=split, lazy_init=True)
    if layout != 'avss':
        kwargs['num_seconds'] = options.num_seconds
    if options.mask_dir:
        kwargs['mask_dir'] = options.mask_dir
    if options.img_suffix:
        return kind(img_suffix=options.img_suffix, **kwargs)
    suffixes = ('.jpg', '.png') if layout == 'avss' else ('.png', '.jpg')
    for suffix in suffixes:
        dataset = kind(img_suffix=suffix, **kwargs)
        clips = dataset.load_clips()
        if any(os.path.isfile(path) for clip in clips[:20]
               for path in clip['frame_paths']):
            return dataset
    return kind(img_suffix=suffixes[0], **kwargs)
