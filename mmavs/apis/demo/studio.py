# Copyright (c) OpenMMLab. All rights reserved.
"""One video under several sounds."""

import hashlib
import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmavs.audio import SAMPLE_RATE
from mmavs.datasets.synthetic.sample_videos import SampleVideo
from mmavs.video.reader import read_audio
from mmavs.video.source import VideoSource
from mmavs.visualization.avs_visualizer import write_image
from mmavs.visualization.sound_timeline import sound_timeline

from ..inferencer import AVSInferencer
from .clips import copy_clip

SOUNDS = ('own', 'muted', 'swapped')


@dataclass(frozen=True)
class Shown:
    """What the page shows of a video under one sound.

    Attributes:
        overlay (str): Path of the video with masks and this sound.
        timeline (str): Path of the picture of the sound.
        share (float): Mean share of the picture that is marked, 0..1.
    """

    overlay: str
    timeline: str
    share: float


class Studio:
    """Predict videos with their own sound, without, and with another one.

    The swapped sound of a sample video is its twin's, of any other video
    that of the first sample. Results are kept, so that going back to a sound
    costs nothing; one prediction runs at a time.

    Args:
        inferencer (AVSInferencer): The model.
        samples (Sequence[SampleVideo]): The sample videos.
        folder (str | PathLike): For copies and results.
    """

    def __init__(self, inferencer: AVSInferencer,
                 samples: list[SampleVideo],
                 folder: str | os.PathLike) -> None:
        self.samples = samples
        self._inferencer = inferencer
        self._folder = Path(folder)
        self._lock = threading.Lock()
        self._shown: dict[tuple, Shown] = {}

    def show(self, video: str | os.PathLike, sound: str = 'own', *,
             fps: int = 4) -> Shown:
        """Predict a video.

        Args:
            video (str | PathLike): Any video; a minute of it is used.
            sound (str): 'own', 'muted' or 'swapped'. Defaults to 'own'.
            fps (int): Masks per second. Defaults to 4.

        Returns:
            Shown: Files to look at.

        Raises:
            ValueError: If the sound is none of these.
            OSError: If the video cannot be read.
            VideoError: If it is no video, or damaged.
        """
        if sound not in SOUNDS:
            raise ValueError(f'sound must be one of {SOUNDS}, got {sound!r}')
        key = (_digest(video), sound, fps)
        with self._lock:
            if key not in self._shown:
                self._shown[key] = self._predict(video, sound, fps, key[0])
            return self._shown[key]

    def _predict(self, video: str | os.PathLike, sound: str, fps: int,
                 digest: str) -> Shown:
        clip = self._folder / 'clips' / f'{digest}-{sound}.mp4'
        if not clip.exists():
            copy_clip(video, clip, sound=self._sound(digest, sound))
        out = self._folder / 'results' / f'{fps}'
        (done, ) = self._inferencer(
            clip, out_dir=out, outputs=('video', 'json'), fps=fps,
            alpha=0.6)['predictions']
        shares = marked_shares(done['outputs']['json'], done['num_masks'])
        timeline = out / f'{clip.stem}.png'
        write_image(timeline, sound_timeline(
            read_audio(clip, duration=VideoSource(clip).duration).numpy(),
            shares))
        return Shown(done['outputs']['video'], os.fspath(timeline),
                     float(np.mean(shares)))

    def _sound(self, digest: str, sound: str) -> np.ndarray | None:
        """What is put in place of a video's own sound."""
        if sound == 'own':
            return None
        if sound == 'muted':
            return np.zeros(SAMPLE_RATE)
        for sample in self.samples:
            if digest == _digest(sample.path):
                return read_audio(sample.twin).numpy()
        return read_audio(self.samples[0].path).numpy()


def _digest(path: str | os.PathLike) -> str:
    """Tells files apart by what they hold."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()[:16]


def marked_shares(path: str | os.PathLike, num_masks: int) -> list[float]:
    """Share of the picture that each mask of a JSON result covers."""
    content = json.loads(Path(path).read_text(encoding='utf-8'))
    video = content['video']
    areas = np.zeros(num_masks)
    for record in content['annotations']:
        areas[record['frame']] += record['area']
    return (areas / (video['height'] * video['width'])).tolist()
