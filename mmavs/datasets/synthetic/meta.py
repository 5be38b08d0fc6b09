# Copyright (c) OpenMMLab. All rights reserved.
"""The csv and json files that list the clips."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from .kinds import KINDS
from .plan import ClipPlan
from .writer import LAYOUT_FOLDERS, category, clip_id, write_bytes

AVSS_CLASSES = (
    'background', 'accordion', 'airplane', 'axe', 'baby', 'bassoon', 'bell',
    'bird', 'boat', 'boy', 'bus', 'car', 'cat', 'cello', 'clarinet',
    'clipper', 'clock', 'dog', 'donkey', 'drum', 'duck', 'elephant',
    'emergency-car', 'erhu', 'flute', 'frying-food', 'girl', 'goose',
    'guitar', 'gun', 'guzheng', 'hair-dryer', 'handpan', 'harmonica', 'harp',
    'helicopter', 'hen', 'horse', 'keyboard', 'leopard', 'lion', 'man',
    'marimba', 'missile-rocket', 'motorcycle', 'mower', 'parrot', 'piano',
    'pig', 'pipa', 'saw', 'saxophone', 'sheep', 'sitar', 'sorna', 'squirrel',
    'tabla', 'tank', 'tiger', 'tractor', 'train', 'trombone', 'truck',
    'trumpet', 'tuba', 'ukulele', 'utv', 'vacuum-cleaner', 'violin', 'wolf',
    'woman')
"""AVSBench-semantic's classes in order, as its label2idx.json has them."""


def write_meta(root: Path, layout: str, plans: Sequence[ClipPlan]) -> None:
    """Write a layout's list of clips (and its classes, for ``avss``)."""
    folder = root / LAYOUT_FOLDERS[layout]
    if layout == 's4':
        _write_csv(folder / 's4_meta_data.csv',
                   ('name', 'start', 'category', 'split'),
                   ((clip_id(p), 0, category(p), p.split) for p in plans))
    elif layout == 'ms3':
        _write_csv(folder / 'ms3_meta_data.csv',
                   ('video_id', 'split', 'objects', 'sounding'),
                   ((clip_id(p), p.split, '|'.join(p.objects),
                     _bits(p)) for p in plans))
    else:
        _write_csv(folder / 'metadata.csv',
                   ('vid', 'uid', 's_min', 's_sec', 'a_obj', 'split',
                    'label'),
                   ((_video(p), clip_id(p), 0, 0, _sounding_objects(p),
                     p.split, p.family) for p in plans))
        indices = {name: i for i, name in enumerate(AVSS_CLASSES)}
        write_bytes(folder / 'label2idx.json',
                    json.dumps(indices, indent=1).encode())


def _bits(plan: ClipPlan) -> str:
    """Who sounds: per second a bit for each of ``plan.objects``."""
    return '|'.join(''.join(str(int(sounds)) for sounds in second)
                    for second in plan.activity)


def _video(plan: ClipPlan) -> str:
    """The video: MS3's own id for ``v1m``, else the 11 characters."""
    return clip_id(plan) if plan.family == 'v1m' else clip_id(plan)[:11]


def _sounding_objects(plan: ClipPlan) -> str:
    names = sorted(KINDS[kind].name for number, kind in enumerate(plan.kinds)
                   if plan.sounding[:, number].any())
    if plan.off_screen is not None:
        names.append('off-the-screen')
    return '_'.join(names or ['background'])


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence]
               ) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(header)
    writer.writerows(rows)
    write_bytes(path, text.getvalue().encode())
