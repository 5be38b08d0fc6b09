# Copyright (c) OpenMMLab. All rights reserved.
"""The whole data set from one call."""

import gc
import json
import multiprocessing
import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from .meta import write_meta
from .plan import SPLITS, ClipPlan
from .writer import (
    LAYOUT_FOLDERS,
    audio_path,
    plan_layout,
    write_bytes,
    write_clip,
)

WRITER_VERSION = 2
"""Raised when equal parameters no longer mean equal files."""
MARKER = 'synthetic.json'
DEFAULT_COUNTS = dict(
    s4=dict(train=40, val=12, test=12),
    ms3=dict(train=480, val=48, test=48),
    avss=dict(train=36, val=12, test=12))
"""Clips per layout and split of the laptop-sized set."""


def write_synthetic(root: str | Path, *,
                    layouts: Sequence[str] = ('s4', 'ms3', 'avss'),
                    num_train: int | None = None,
                    num_val: int | None = None,
                    num_test: int | None = None, size: int = 128,
                    seed: int = 0, sample_rate: int = 16000,
                    workers: int = 2, overwrite: bool = False) -> dict:
    """Write the synthetic data set in AVSBench's layouts.

    Objects with their own look and timbre move over a textured background;
    which of them sound changes by the second, and only these are marked.
    The content of a clip depends on the seed, its split and its index alone.
    An interrupted run is completed by the next one; what is complete with the
    same parameters is left as it is, and further layouts can be added.

    Args:
        root (str | Path): Folder for ``Single-source``, ``Multi-sources``
            and ``AVSS``.
        layouts (Sequence[str]): Any of ``s4``, ``ms3`` and ``avss``.
            Defaults to all three.
        num_train (int, optional): Training clips of each layout. Defaults to
            None, the layout's own number in :data:`DEFAULT_COUNTS`.
        num_val (int, optional): Validation clips. Defaults to None.
        num_test (int, optional): Test clips. Defaults to None.
        size (int): Height of the frames in pixels. Defaults to 128.
        seed (int): Seed, 0 or more. Defaults to 0.
        sample_rate (int): Of the wav files. Defaults to 16000.
        workers (int): Processes; 0 and 1 work in this one. Defaults to 2.
        overwrite (bool): Replace a synthetic data set that has other
            parameters. Defaults to False.

    Returns:
        dict: ``root``, ``clips`` (layout to split to number), ``written``
        (False if all was there) and ``seconds``.

    Raises:
        ValueError: An argument is out of range.
        FileExistsError: ``root`` holds a data set with other parameters, or
            one that this function did not write.
    """
    start, root = time.perf_counter(), Path(root)
    counts = _counts(layouts, dict(train=num_train, val=num_val,
                                   test=num_test))
    _check_sizes(size, seed, sample_rate)
    parameters = dict(version=WRITER_VERSION, size=size, seed=seed,
                      sample_rate=sample_rate)
    plans = {layout: [plan for split in SPLITS for plan in plan_layout(
        layout, seed, split, counts[layout][split])] for layout in counts}
    complete = _claim(root, parameters, counts, overwrite)
    missing = [(root, layout, plan, size, sample_rate)
               for layout in counts for plan in plans[layout]
               if not audio_path(root, layout, plan).exists()]
    written = bool(missing) or not complete
    if written:
        _run(missing, workers)
        for layout in counts:
            write_meta(root, layout, plans[layout])
        _mark(root, parameters, counts, complete=True)
    return dict(root=str(root), clips=counts, written=written,
                seconds=time.perf_counter() - start)


def _counts(layouts: Sequence[str], asked: dict[str, int | None]
            ) -> dict[str, dict[str, int]]:
    unknown = set(layouts) - set(LAYOUT_FOLDERS)
    if unknown or not layouts or isinstance(layouts, str):
        raise ValueError(f'layouts must be some of {list(LAYOUT_FOLDERS)}, '
                         f'got {layouts!r}')
    for split, number in asked.items():
        if number is not None and number < 0:
            raise ValueError(f'num_{split} must be 0 or more, got {number}')
    return {layout: {split: DEFAULT_COUNTS[layout][split]
                     if asked[split] is None else asked[split]
                     for split in SPLITS}
            for layout in LAYOUT_FOLDERS if layout in layouts}


def _check_sizes(size: int, seed: int, sample_rate: int) -> None:
    if size < 32:
        raise ValueError(f'size must be at least 32 pixels, got {size}')
    if seed < 0:
        raise ValueError(f'seed must be 0 or more, got {seed}')
    if sample_rate < 16000:
        raise ValueError('sample_rate must be at least 16000, since the '
                         f'timbres reach up to 7 kHz, got {sample_rate}')


def _read_marker(root: Path) -> dict:
    """What the marker says, nothing if there is none."""
    marker = root / MARKER
    if not marker.exists():
        return {}
    try:
        found = json.loads(marker.read_text())
        return dict(found, layouts=dict(found['layouts']))
    except (ValueError, KeyError, TypeError):
        raise FileExistsError(
            f'{marker} is not readable; delete {root} if it is a synthetic '
            'data set, or choose another root') from None


def _claim(root: Path, parameters: dict, counts: dict, overwrite: bool
           ) -> bool:
    """Make sure the folder is ours; say whether the layouts are complete."""
    found = _read_marker(root)
    known = found.get('layouts', {})
    same = all(found.get(key) == value for key, value in parameters.items())
    same &= all(known.get(layout, dict(clips=clips))['clips'] == clips
                for layout, clips in counts.items())
    if found and same:
        complete = all(layout in known and known[layout]['complete']
                       for layout in counts)
    elif found and overwrite:
        for name in LAYOUT_FOLDERS.values():
            shutil.rmtree(root / name, ignore_errors=True)
        (root / MARKER).unlink()
        known, complete = {}, False
    elif found:
        raise FileExistsError(
            f'{root / MARKER} describes a synthetic data set with other '
            f'parameters; delete {root}, choose another root, or pass '
            'overwrite (--overwrite) to replace it')
    else:
        complete = False
    for layout in counts:
        folder = root / LAYOUT_FOLDERS[layout]
        if layout not in known and folder.exists():
            raise FileExistsError(
                f'{folder} was not written by this program ({root / MARKER} '
                'does not name it); choose another root')
    if not complete:
        _mark(root, parameters, counts, complete=False)
    return complete


def _mark(root: Path, parameters: dict, counts: dict, complete: bool
          ) -> None:
    """Note the state of these layouts beside what the marker holds."""
    layouts = _read_marker(root).get('layouts', {})
    layouts.update({layout: dict(clips=clips, complete=complete)
                    for layout, clips in counts.items()})
    content = json.dumps(dict(parameters, layouts=layouts), indent=1,
                         sort_keys=True)
    write_bytes(root / MARKER, content.encode())


def _run(jobs: list[tuple[Path, str, ClipPlan, int, int]], workers: int
         ) -> None:
    if workers < 2 or len(jobs) < 8:
        for job in jobs:
            write_clip(*job)
        return
    # Children need NumPy and Pillow only: forking spares them the imports.
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context(
        'fork' if 'fork' in methods else 'spawn')
    # What the parent left to its garbage collector (an open video, say) must
    # not be destroyed by a child, which has none of its threads: it may hang.
    with ProcessPoolExecutor(workers, mp_context=context,
                             initializer=gc.freeze) as pool:
        list(pool.map(write_clip, *zip(*jobs, strict=True), chunksize=4))
