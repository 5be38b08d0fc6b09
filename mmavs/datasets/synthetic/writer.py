# Copyright (c) OpenMMLab. All rights reserved.
"""Write clips in AVSBench's own folders.

Each file is written under another name and then renamed, and a clip's sound
comes last, so a clip whose wav exists is complete and an interrupted run can
be taken up where it stopped.
"""

import io
import os
import wave
from pathlib import Path

import numpy as np
from PIL import Image

from .kinds import KINDS
from .plan import FAMILIES, ClipPlan, plan_clip
from .scene import render_frames, render_sound, sounding_masks

LAYOUT_FOLDERS = dict(s4='Single-source', ms3='Multi-sources', avss='AVSS')


def voc_palette(num_colours: int = 71) -> np.ndarray:
    """The PASCAL-VOC colours, uint8 (num_colours, 3)."""
    index = np.arange(num_colours)
    palette = np.zeros((num_colours, 3), np.uint8)
    for group in range(3):  # bits in threes, from the low end
        for channel in range(3):
            bit = (index >> (3 * group + channel)) & 1
            palette[:, channel] |= (bit << (7 - group)).astype(np.uint8)
    return palette


def clip_id(plan: ClipPlan) -> str:
    """The clip's name: 11 characters, for ``v1s``, as YouTube's are.

    The others carry a start after it, the semantic set's ``v2`` start and
    end in milliseconds.
    """
    suffix = dict(v1s='', v1m='_0', v2='_0_10000')[plan.family]
    return f'syn{plan.split[:3]}{plan.index:05d}{suffix}'


def plan_layout(layout: str, seed: int, split: str, count: int
                ) -> list[ClipPlan]:
    """The clips of one split of one layout.

    The semantic set takes its clips from the three families in turn, so its
    ``v1s`` and ``v1m`` clips are S4's and MS3's, as in AVSBench.
    """
    if layout == 'avss':
        families = list(FAMILIES)
        return [plan_clip(seed, families[i % 3], split, i // 3)
                for i in range(count)]
    family = dict(s4='v1s', ms3='v1m')[layout]
    return [plan_clip(seed, family, split, i) for i in range(count)]


def audio_path(root: Path, layout: str, plan: ClipPlan) -> Path:
    """Where a clip's sound is, which is the last file of a clip."""
    root, name = root / LAYOUT_FOLDERS[layout], clip_id(plan)
    if layout == 's4':
        return (root / 's4_data' / 'audio_wav' / plan.split / category(plan)
                / f'{name}.wav')
    if layout == 'ms3':
        return root / 'ms3_data' / 'audio_wav' / plan.split / f'{name}.wav'
    return root / plan.family / name / 'audio.wav'


def category(plan: ClipPlan) -> str:
    """S4's category: that of the one object that sounds."""
    return KINDS[plan.kinds[int(plan.sounding[0].argmax())]].category


def write_clip(root: Path, layout: str, plan: ClipPlan, size: int,
               sample_rate: int) -> None:
    """Write one clip's frames, masks and sound, unless it is complete.

    Args:
        root (Path): Root of the data set.
        layout (str): ``s4``, ``ms3`` or ``avss``.
        plan (ClipPlan): The clip.
        size (int): Height of the frames.
        sample_rate (int): Samples per second.
    """
    sound = audio_path(root, layout, plan)
    if sound.exists():
        return
    frames, owners = render_frames(plan, size)
    labels = sounding_masks(plan, owners)
    write = dict(s4=_write_s4, ms3=_write_ms3, avss=_write_avss)[layout]
    write(root / LAYOUT_FOLDERS[layout], plan, frames, labels)
    _save_wav(render_sound(plan, sample_rate), sample_rate, sound)


def _write_s4(root: Path, plan: ClipPlan, frames: np.ndarray,
              labels: np.ndarray) -> None:
    name = clip_id(plan)
    inner = Path(plan.split, category(plan), name)
    for k, (frame, label) in enumerate(zip(frames, labels, strict=True), 1):
        _save_image(frame, root / 's4_data' / 'visual_frames' / inner
                    / f'{name}_{k}.png')
        if plan.split != 'train' or k == 1:  # training labels: the first
            _save_image(_black_white(label), root / 's4_data' / 'gt_masks'
                        / inner / f'{name}_{k}.png')


def _write_ms3(root: Path, plan: ClipPlan, frames: np.ndarray,
               labels: np.ndarray) -> None:
    name, root = clip_id(plan), root / 'ms3_data'
    for k, (frame, label) in enumerate(zip(frames, labels, strict=True), 1):
        _save_image(frame, root / 'visual_frames' / name
                    / f'{name}.mp4_{k}.png')
        _save_image(_black_white(label), root / 'gt_masks' / plan.split
                    / name / f'{name}_{k}.png')


def _write_avss(root: Path, plan: ClipPlan, frames: np.ndarray,
                labels: np.ndarray) -> None:
    folder, palette = root / plan.family / clip_id(plan), voc_palette()
    for k, (frame, label) in enumerate(zip(frames, labels, strict=True)):
        _save_image(frame, folder / 'frames' / f'{k}.jpg')
        if plan.family == 'v1s' and plan.split == 'train' and k > 0:
            continue
        _save_image(label, folder / 'labels_semantic' / f'{k}.png')
        _save_image(palette[label], folder / 'labels_rgb' / f'{k}.png')


def _black_white(label: np.ndarray) -> np.ndarray:
    return (label > 0).astype(np.uint8) * 255


def _save_image(image: np.ndarray, path: Path) -> None:
    buffer = io.BytesIO()
    if path.suffix == '.jpg':
        Image.fromarray(image).save(buffer, 'JPEG', quality=95)
    else:
        Image.fromarray(image).save(buffer, 'PNG', compress_level=1)
    write_bytes(path, buffer.getvalue())


def _save_wav(sound: np.ndarray, sample_rate: int, path: Path) -> None:
    buffer = io.BytesIO()
    with wave.open(buffer, 'wb') as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(sound.astype('<i2').tobytes())
    write_bytes(path, buffer.getvalue())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f'.{path.name}.{os.getpid()}.part')
    part.write_bytes(content)
    os.replace(part, path)
