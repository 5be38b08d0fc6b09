# Copyright (c) OpenMMLab. All rights reserved.
"""Pictures of clips during validation and testing."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.hooks import Hook
from mmengine.runner import Runner
from PIL import Image

from mmavs.audio import SAMPLE_RATE, read_waveform
from mmavs.registry import HOOKS
from mmavs.structures import AVSDataSample


@HOOKS.register_module()
class AVSVisualizationHook(Hook):
    """Draw clips with frames, prediction, ground truth and sound.

    Which clips are drawn follows from their number in the data set
    (``sample_idx``), so it is the same for any batch size and number of
    processes. Frames are read again from their files: not normalised, in
    their original size.

    Args:
        draw (bool): Off, the hook does nothing. Defaults to False.
        interval (int): In validation, draw each clip whose number is a
            multiple of this. Defaults to 50.
        test_interval (int): The same in testing. Defaults to 1.
        max_clips (int, optional): Draw at most this many clips in a
            validation or test run, per process. Defaults to None.
        out_dir (str, optional): Folder for validation pictures; None hands
            them to the visualizer's back ends. Defaults to None.
        test_out_dir (str, optional): Folder for test pictures, one PNG per
            clip. Defaults to None, which uses ``out_dir``.
        show (bool): Open windows as well. Defaults to False.
        wait_time (float): Seconds a window stays, 0 until a key. Defaults
            to 0.
    """

    priority = 'NORMAL'

    def __init__(self, *, draw: bool = False, interval: int = 50,
                 test_interval: int = 1, max_clips: int | None = None,
                 out_dir: str | os.PathLike | None = None,
                 test_out_dir: str | os.PathLike | None = None,
                 show: bool = False, wait_time: float = 0) -> None:
        if interval < 1 or test_interval < 1:
            raise ValueError('interval and test_interval must be at least 1, '
                             f'got {interval} and {test_interval}')
        self.draw = draw
        self.interval = interval
        self.test_interval = test_interval
        self.max_clips = max_clips
        self.out_dir = out_dir
        self.test_out_dir = test_out_dir
        self.show = show
        self.wait_time = wait_time
        self._drawn = 0
        self._step = 0

    def after_train_iter(self, runner: Runner, batch_idx: int,
                         data_batch: dict | None = None,
                         outputs: dict | None = None) -> None:
        """Remember how far training is.

        Asking the runner while it tests would make it build the training
        loop, with a data set that may not be there.
        """
        self._step = runner.iter + 1

    def before_val_epoch(self, runner: Runner) -> None:
        """Start counting clips."""
        self._drawn = 0

    def before_test_epoch(self, runner: Runner) -> None:
        """Start counting clips."""
        self._drawn = 0

    def after_val_iter(self, runner: Runner, batch_idx: int,
                       data_batch: dict | None = None,
                       outputs: Sequence[AVSDataSample] | None = None
                       ) -> None:
        """Draw the chosen clips of a validation batch."""
        self._draw_batch(runner, data_batch, outputs, 'val', self.interval,
                         self.out_dir)

    def after_test_iter(self, runner: Runner, batch_idx: int,
                        data_batch: dict | None = None,
                        outputs: Sequence[AVSDataSample] | None = None
                        ) -> None:
        """Draw the chosen clips of a test batch."""
        self._draw_batch(runner, data_batch, outputs, 'test',
                         self.test_interval,
                         self.test_out_dir or self.out_dir)

    def _draw_batch(self, runner: Runner, data_batch: dict | None,
                    outputs: Sequence[AVSDataSample] | None, mode: str,
                    interval: int, out_dir: str | os.PathLike | None
                    ) -> None:
        if not self.draw or not outputs:
            return
        inputs = (data_batch or {}).get('inputs') or {}
        for position, sample in enumerate(outputs):
            number = int(sample.get('sample_idx', 0))
            enough = (self.max_clips is not None
                      and self._drawn >= self.max_clips)
            if number % interval or enough:
                continue
            self._drawn += 1
            name = file_name(sample.get('clip_id') or f'clip_{number}')
            log_mel = inputs.get('log_mel')
            waveform, sample_rate = clip_waveform(sample, inputs, position)
            runner.visualizer.add_datasample(
                f'{mode}_{name}', clip_frames(sample, inputs, position),
                sample, log_mel=log_mel and log_mel[position],
                waveform=waveform, sample_rate=sample_rate, show=self.show,
                wait_time=self.wait_time, step=self._step,
                out_file=Path(out_dir) / f'{name}.png' if out_dir else None)


def file_name(clip_id: str) -> str:
    """A clip's name with what file systems dislike replaced."""
    return re.sub(r'[^\w.=+-]+', '_', str(clip_id))


def clip_frames(sample: AVSDataSample, inputs: dict,
                position: int) -> list[np.ndarray]:
    """The frames of a clip as pictures.

    Args:
        sample (AVSDataSample): With ``frame_paths``, else the frames that
            went into the network are taken.
        inputs (dict): ``frames``, a list of (T, 3, H, W) uint8 tensors.
        position (int): Of the clip in the batch.

    Returns:
        list[np.ndarray]: (H, W, 3) uint8 RGB each.

    Raises:
        ValueError: If there are neither paths nor frames.
    """
    paths = sample.get('frame_paths')
    if paths:
        frames = []
        for path in paths:
            with Image.open(path) as image:
                frames.append(np.asarray(image.convert('RGB')))
        return frames
    if 'frames' not in inputs:
        raise ValueError('there is nothing to draw on: add frame_paths to '
                         'meta_keys of PackAVSInputs')
    tensor = inputs['frames'][position].clamp(0, 255).byte().cpu()
    return list(tensor.permute(0, 2, 3, 1).numpy())


def clip_waveform(sample: AVSDataSample, inputs: dict, position: int
                  ) -> tuple[np.ndarray | None, int]:
    """The sound that went into the network, as far as it can be had.

    Args:
        sample (AVSDataSample): With ``audio_path``.
        inputs (dict): With ``waveform``, a list of (T, sample_rate), if the
            pipeline collects it.
        position (int): Of the clip in the batch.

    Returns:
        tuple: Samples (n,) or None, and their rate.
    """
    if 'waveform' in inputs:
        waveform = inputs['waveform'][position].cpu()
        return waveform.flatten().numpy(), waveform.shape[-1]
    path = sample.get('audio_path')
    # Silence and noise are made in the pipeline, not read from the file.
    asis = sample.get('audio_mode', 'true') in ('true', 'swapped')
    if not path or not asis or not Path(path).is_file():
        return None, SAMPLE_RATE
    return read_waveform(path).numpy(), SAMPLE_RATE
