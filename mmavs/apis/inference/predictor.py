# Copyright (c) OpenMMLab. All rights reserved.
"""From the frames and sound of a source to masks, window by window."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from torch import nn

from mmavs.audio import SAMPLE_RATE
from mmavs.datasets.transforms.load_embedding import without_cache
from mmavs.structures import AVSDataSample
from mmavs.utils.config import datasets_of

from .probe import Probe
from .results import Pass, join_passes
from .sources import ClipSource
from .windows import Clip, Window, batches, clips

# Scores of a clip may take this much; larger pictures are predicted smaller.
_MAX_SCORES = 2**28


class WindowPredictor:
    """A model and its test pipeline, for sources of any length.

    Args:
        model (nn.Module): The segmentor.
        cfg (Config): Its config, with the test pipeline.
        num_classes (int): Channels of the scores.

    Attributes:
        window_seconds (int): Length of the clips of the model's data set.

    Raises:
        ValueError: If the config has no test pipeline.
    """

    def __init__(self, model: nn.Module, cfg: Config, *,
                 num_classes: int) -> None:
        self.model = model
        self._num_classes = num_classes
        loader = cfg.get('test_dataloader') or cfg.get('val_dataloader')
        if not loader:
            raise ValueError(f'{cfg.filename}: has no test_dataloader, whose '
                             'pipeline says how frames and sound are '
                             'prepared')
        dataset = next(datasets_of(loader['dataset']))
        self.window_seconds = (
            10 if 'Semantic' in _type_name(dataset) else 5)
        self.pipeline = self._pipeline(
            without_cache(dataset['pipeline']))

    @staticmethod
    def _pipeline(steps: Sequence[dict]) -> Compose:
        """The test pipeline without its loading steps."""
        steps = [step for step in steps
                 if not _type_name(step).startswith(('Load', 'ResizeMasks'))]
        if not any(_type_name(s) == 'LogMelSpectrogram' for s in steps):
            steps.insert(len(steps) - 1, dict(type='LogMelSpectrogram'))
        return Compose(steps)

    def windows(self, source: ClipSource, *, seconds: int, fps: int = 1,
                batch_size: int = 1, with_scores: bool = True,
                heatmaps: bool = False, done: int = 0) -> Iterator[Window]:
        """See ``AVSInferencer.predict_windows``, which calls this."""
        size = self._score_size(source.size, seconds)
        total = source.num_seconds * fps
        first = done // (seconds * fps)
        # Batches are those of a run from the beginning, to the last bit.
        while first * fps % batch_size:
            first -= 1
        passes: list[Pass] = []
        for group in batches(clips(source, seconds=seconds, fps=fps,
                                   first=first), batch_size):
            for part in self._pass(group, source, size, with_scores,
                                   heatmaps):
                passes.append(part)
                if part.clip.window_sound is None:
                    continue
                window = join_passes(passes, source.size, fps)
                window.final = window.start + len(window.masks) == total
                passes = []
                if window.start >= done:
                    yield window

    def _pass(self, group: list[Clip], source: ClipSource,
              size: tuple[int, int], with_scores: bool,
              heatmaps: bool) -> list[Pass]:
        """Clips through pipeline and network."""
        packed = [self._pack(clip, source, size) for clip in group]
        with ExitStack() as stack:
            probe = stack.enter_context(
                Probe(self.model)) if heatmaps else None
            samples = self._forward(packed, with_scores)
        passes = []
        for place, (clip, data, sample) in enumerate(
                zip(group, packed, samples)):
            log_mel = data['inputs'].get('log_mel')
            passes.append(Pass(
                clip, None if log_mel is None else np.asarray(log_mel),
                sample, {} if probe is None else probe.take(
                    place, len(group), len(clip.frames))))
        return passes

    def _score_size(self, size: tuple[int, int],
                    seconds: int) -> tuple[int, int]:
        """Size of the score maps: the source's unless that is too much."""
        pixels = size[0] * size[1] * self._num_classes * seconds
        scale = min(1., (_MAX_SCORES / pixels)**0.5)
        return tuple(max(1, round(side * scale)) for side in size)

    def _pack(self, clip: Clip, source: ClipSource,
              size: tuple[int, int]) -> dict[str, Any]:
        """A clip through the test pipeline."""
        num = len(clip.frames)
        data = self.pipeline(dict(
            clip_id=f'{source.name}:{clip.indices[0]}', sample_idx=0,
            frames=clip.frames, waveform=clip.waveform,
            sample_rate=SAMPLE_RATE, num_seconds=num,
            ori_shape=source.size, img_shape=source.size,
            valid=np.ones(num, dtype=bool)))
        # Masks come out in the size of the source, not of the labels.
        data['data_samples'].set_metainfo(dict(mask_shape=size))
        return data

    @torch.no_grad()
    def _forward(self, packed: list[dict],
                 with_scores: bool) -> list[AVSDataSample]:
        config = getattr(self.model, 'test_cfg', None)
        before = None if config is None else config.get('with_scores')
        if config is not None and with_scores:
            config['with_scores'] = True
        try:
            return self.model.test_step(pseudo_collate(packed))
        finally:
            if config is not None and with_scores:
                config['with_scores'] = before


def _type_name(part: dict) -> str:
    kind = part['type']
    return kind.split('.')[-1] if isinstance(kind, str) else kind.__name__
