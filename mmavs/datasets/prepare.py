# Copyright (c) OpenMMLab. All rights reserved.
"""From raw videos to AVSBench's frames, wav and log-mel files."""

import os
import pickle
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from scipy.io import wavfile
from torch import Tensor

from mmavs.audio import SAMPLE_RATE, log_mel_spectrogram
from mmavs.io.atomic import atomic_write
from mmavs.video.reader import probe_video, read_audio, read_frames


@dataclass(frozen=True)
class VideoJob:
    """A clip to be made from a video.

    Args:
        clip_id (str): The clip.
        video (str): The video file.
        frames (tuple[str]): Frames to write, one a second.
        wav (str): Sound to write.
        log_mel (str): Pickled log-mel to write.
        blank_masks (tuple[str]): Empty masks to write. Defaults to ().
    """

    clip_id: str
    video: str
    frames: tuple[str, ...]
    wav: str
    log_mel: str
    blank_masks: tuple[str, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether every file is there (each appears only when complete)."""
        files = (*self.frames, self.wav, self.log_mel, *self.blank_masks)
        return all(os.path.isfile(file) for file in files)


@dataclass
class PrepareReport:
    """What became of the videos.

    Args:
        done (list[str]): Clips made now.
        skipped (list[str]): Clips that were there already.
        failed (dict[str, str]): Video file and what is wrong with it.
    """

    done: list[str]
    skipped: list[str]
    failed: dict[str, str]


def frame_times(fps: float, num_seconds: int) -> list[float]:
    """Return when AVSBench's script takes the frame of each second.

    It numbers 16 moments in each second by frame and keeps the last: for
    second l frame int(l fps + 15/16 fps), with the rate rounded, about
    0.94 s into the second.

    Args:
        fps (float): Frames per second of the video.
        num_seconds (int): Seconds of the clip.

    Returns:
        list[float]: Times in seconds since the first frame.
    """
    rate = max(1, round(fps))
    return [int(second * rate + 15 / 16 * rate) / fps
            for second in range(num_seconds)]


def resize_like_opencv(frame: np.ndarray, size: int) -> np.ndarray:
    """Resize to a square as OpenCV does: bilinear, without antialiasing.

    Args:
        frame (ndarray): (H, W, 3) uint8.
        size (int): Side of the square; the aspect is not kept.

    Returns:
        ndarray: (size, size, 3) uint8.
    """
    pixels = torch.from_numpy(frame).permute(2, 0, 1)[None].float()
    small = F.interpolate(pixels, (size, size), mode='bilinear',
                          align_corners=False)
    return small[0].permute(1, 2, 0).round().to(torch.uint8).numpy()


def prepare_clip(job: VideoJob, *, size: int = 224,
                 on_missing: str = 'raise') -> None:
    """Write the frames, the sound and the log-mel of one clip.

    Args:
        job (VideoJob): What to write; its number of frames is the number of
            seconds.
        size (int): Side of the frames. Defaults to 224.
        on_missing (str): For a video without an audio track: 'raise' or
            'silence'. Defaults to 'raise'.

    Raises:
        ValueError: If the video is broken, has no audio track, or is more
            than a second too short.
    """
    num_seconds = len(job.frames)
    info = probe_video(job.video)
    if info.duration and info.duration < num_seconds - 1:
        raise ValueError(f'{job.video}: is only {info.duration:.2f} s long, '
                         f'a clip has {num_seconds}; use fewer --seconds')
    frames = read_frames(job.video, frame_times(info.fps, num_seconds))
    sound = read_audio(job.video, duration=num_seconds,
                       on_missing=on_missing)
    sound = F.pad(sound, (0, num_seconds * SAMPLE_RATE - len(sound)))
    for frame, path in zip(frames, job.frames):
        _save_image(resize_like_opencv(frame, size), path)
    for path in job.blank_masks:
        _save_image(np.zeros((size, size), np.uint8), path)
    _save_sound(sound, job)


def _save_image(pixels: np.ndarray, path: str) -> None:
    with atomic_write(path) as f:
        Image.fromarray(pixels).save(f, format='PNG')


def _save_sound(sound: Tensor, job: VideoJob) -> None:
    """Write the wav, and the log-mel of just what the wav holds."""
    samples = (sound * 2**15).round().clamp(-2**15, 2**15 - 1).short()
    with atomic_write(job.wav) as f:
        wavfile.write(f, SAMPLE_RATE, samples.numpy())
    log_mel = log_mel_spectrogram(samples.float() / 2**15,
                                  num_seconds=len(job.frames))[:, 0]
    with atomic_write(job.log_mel) as f:
        pickle.dump(log_mel.contiguous(), f, protocol=4)


def run_jobs(jobs: Sequence[VideoJob], *, size: int = 224,
             on_missing: str = 'raise', workers: int = 2,
             overwrite: bool = False,
             progress: Callable[[], None] | None = None) -> PrepareReport:
    """Make clips in parallel; one that fails does not stop the others.

    Clips whose files are all there are skipped, so that an interrupted run
    can be taken up.

    Args:
        jobs (Sequence[VideoJob]): The clips.
        size (int): Side of the frames. Defaults to 224.
        on_missing (str): See :func:`prepare_clip`. Defaults to 'raise'.
        workers (int): Threads. Defaults to 2.
        overwrite (bool): Make clips anew that are there. Defaults to False.
        progress (callable, optional): Called after every clip. Defaults to
            None.

    Returns:
        PrepareReport: What became of each.
    """
    report = PrepareReport([], [], {})
    waiting = []
    for job in jobs:
        if job.is_done and not overwrite:
            report.skipped.append(job.clip_id)
            if progress is not None:
                progress()
        else:
            waiting.append(job)
    with ThreadPoolExecutor(max(1, workers)) as pool:
        futures = {pool.submit(prepare_clip, job, size=size,
                               on_missing=on_missing): job
                   for job in waiting}
        try:
            for future in as_completed(futures):
                job = futures[future]
                try:
                    future.result()
                    report.done.append(job.clip_id)
                except (OSError, ValueError, RuntimeError) as error:
                    report.failed[job.video] = str(error)
                if progress is not None:
                    progress()
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            raise
    return report
