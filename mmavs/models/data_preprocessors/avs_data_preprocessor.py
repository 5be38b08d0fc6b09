# Copyright (c) OpenMMLab. All rights reserved.
"""Batching of clips: device, normalisation, padding in time."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from mmavs.audio import SAMPLE_RATE, log_mel_spectrogram
from mmavs.models.layers import full_precision
from mmavs.registry import MODELS

LOG_MEL_ARGS = {'framing', 'tokens_per_second', 'pad', 'log_offset'}
IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)


@MODELS.register_module()
class AVSDataPreprocessor(BaseDataPreprocessor):
    """Stack clips of different length into one batch.

    Frames are normalised first and padded with zeros afterwards, so that a
    padded frame is the zero tensor (AVSBench's convention) and not a black
    picture. Everything else in ``inputs`` that starts with the clip's time
    axis is padded with zeros too.

    Args:
        mean (Sequence[float]): RGB mean on the 0..255 scale. Defaults to
            ImageNet's.
        std (Sequence[float]): RGB standard deviation on the same scale.
            Defaults to ImageNet's.
        pad_to (int, optional): Pad every clip to this many seconds; None
            pads to the longest clip of the batch. Defaults to None.
        log_mel (dict, optional): Arguments of
            :func:`mmavs.audio.log_mel_spectrogram` (framing,
            tokens_per_second, pad, log_offset). With it the log-mel of the
            whole batch is made here, on the model's device, from
            ``waveform`` (T_b, 16000) per clip, as the transform
            LogMelSpectrogram makes it clip by clip. Pipelines then end with
            ``PackAVSInputs(collect_keys=('frames', 'waveform'))`` and leave
            LogMelSpectrogram out. Defaults to None.
        non_blocking (bool): Whether copies to the device may overlap.
            Defaults to False.

    Raises:
        ValueError: If ``log_mel`` names an argument that does not exist.
    """

    def __init__(self, *, mean: Sequence[float] = IMAGENET_MEAN,
                 std: Sequence[float] = IMAGENET_STD,
                 pad_to: int | None = None, log_mel: dict | None = None,
                 non_blocking: bool = False) -> None:
        super().__init__(non_blocking=non_blocking)
        unknown = set(log_mel or ()) - LOG_MEL_ARGS
        if unknown:
            raise ValueError(f'log_mel takes {sorted(LOG_MEL_ARGS)}, not '
                             f'{sorted(unknown)}')
        self.log_mel = log_mel
        if len(mean) != 3 or len(std) != 3:
            raise ValueError('mean and std must have 3 values (RGB), got '
                             f'{mean} and {std}')
        self.pad_to = pad_to
        shape = (1, 3, 1, 1)
        self.register_buffer(
            'mean', torch.tensor(mean, dtype=torch.float32).view(shape),
            persistent=False)
        self.register_buffer(
            'std', torch.tensor(std, dtype=torch.float32).view(shape),
            persistent=False)

    def forward(self, data: dict, training: bool = False) -> dict:
        """Turn a list of clips into a batch.

        Args:
            data (dict): ``inputs``, a dict whose values are lists with one
                tensor (T_b, ...) per clip, ``frames`` among them; and
                ``data_samples``, a list of :class:`AVSDataSample` or None.
            training (bool): Unused; part of MMEngine's interface.

        Returns:
            dict: ``inputs`` with each value stacked to (B, T, ...) and
            ``valid`` (B, T) bool; ``data_samples`` on the same device.

        Raises:
            ValueError: If the clips of a batch differ in anything but their
                length, or a clip is longer than ``pad_to``.
        """
        del training
        data = self.cast_data(data)
        inputs = dict(data['inputs'])
        if 'frames' not in inputs:
            raise ValueError('inputs need the key "frames", got '
                             f'{sorted(inputs)}; is PackAVSInputs the last '
                             'transform?')
        lengths = [len(clip) for clip in inputs['frames']]
        inputs['frames'] = [self._normalise(x) for x in inputs['frames']]
        num_frames = self._padded_length(lengths)
        batch = {key: self._stack(key, clips, lengths, num_frames)
                 for key, clips in inputs.items()}
        steps = torch.arange(num_frames, device=self.mean.device)
        ends = torch.tensor(lengths, device=self.mean.device)
        batch['valid'] = steps[None] < ends[:, None]
        samples = data.get('data_samples')
        if self.log_mel is not None and 'log_mel' not in batch:
            batch['log_mel'] = self._make_log_mel(batch, samples)
        return dict(inputs=batch, data_samples=samples)

    def _make_log_mel(self, batch: dict, data_samples: list | None) -> Tensor:
        """Waveforms to log-mel examples (B, T, N, 1, 96, 64)."""
        if 'waveform' not in batch:
            raise ValueError(
                'data_preprocessor.log_mel needs the input "waveform": set '
                "PackAVSInputs(collect_keys=('frames', 'waveform'))")
        waveform = batch.pop('waveform')  # (B, T, rate)
        if waveform.shape[2] != SAMPLE_RATE:
            raise ValueError(
                f'data_preprocessor.log_mel needs {SAMPLE_RATE} Hz, got '
                f'{waveform.shape[2]}; set LoadClipAudio(sample_rate='
                f'{SAMPLE_RATE})')
        valid = batch['valid']
        ends = (valid.sum(dim=1) * SAMPLE_RATE).tolist()
        if data_samples is not None:  # a sound may end before its clip
            ends = [sample.get('num_samples', end)
                    for sample, end in zip(data_samples, ends, strict=True)]
        with torch.no_grad(), full_precision(waveform.device.type):
            log_mel = log_mel_spectrogram(
                waveform.flatten(1), num_seconds=valid.shape[1],
                num_samples=torch.tensor(ends, device=waveform.device),
                **self.log_mel)
        return log_mel.where(valid[:, :, None, None, None, None], 0.)

    def _normalise(self, frames: Tensor) -> Tensor:
        return (frames.float() - self.mean) / self.std  # (T, 3, H, W)

    def _padded_length(self, lengths: list[int]) -> int:
        longest = max(lengths)
        if self.pad_to is None:
            return longest
        if longest > self.pad_to:
            raise ValueError(f'a clip has {longest} seconds, more than '
                             f'data_preprocessor.pad_to={self.pad_to}')
        return self.pad_to

    @staticmethod
    def _stack(key: str, clips: Sequence[Tensor], lengths: list[int],
               num_frames: int) -> Tensor:
        """Pad tensors (T_b, ...) with zeros and stack them: (B, T, ...)."""
        shapes = {tuple(clip.shape[1:]) for clip in clips}
        if len(shapes) > 1:
            raise ValueError(
                f'the clips of a batch have different "{key}" shapes '
                f'{sorted(shapes)}; resize them to one size in the pipeline '
                'or use batch_size=1')
        if [len(clip) for clip in clips] != lengths:
            raise ValueError(
                f'"{key}" has {[len(clip) for clip in clips]} seconds where '
                f'the frames have {lengths}; both need one entry a second')
        batch = clips[0].new_zeros(
            (len(clips), num_frames, *clips[0].shape[1:]))
        for row, clip in zip(batch, clips):
            row[:len(clip)] = clip
        return batch
