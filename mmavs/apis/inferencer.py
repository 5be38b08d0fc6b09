# Copyright (c) OpenMMLab. All rights reserved.
"""From any video to masks of what sounds in it."""

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.device import get_device
from mmengine.infer import BaseInferencer
from mmengine.logging import print_log
from mmengine.registry import init_default_scope
from mmengine.utils import ProgressBar
from torch import nn

from mmavs.audio import SAMPLE_RATE
from mmavs.registry import INFERENCERS
from mmavs.structures import AVSDataSample
from mmavs.utils.config import datasets_of, load_config
from mmavs.visualization import AVSVisualizer

from .inference.output import Output
from .inference.outputs import (
    OUTPUTS,
    ContactSheets,
    MaskImages,
    ProbabilityArchive,
    RleJson,
    check_folder,
    colours_of,
    unique_stems,
)
from .inference.overlay_video import OverlayVideo
from .inference.probe import Probe
from .inference.results import Pass, clip_sample, join_passes
from .inference.sources import ClipSource, list_inputs, make_source
from .inference.windows import Clip, Window, batches, clips
from .model import dataset_meta, get_model, init_model
from .model_zoo import find_entry, is_config_path

# Scores of a clip may take this much; larger pictures are predicted smaller.
_MAX_SCORES = 2**28


@INFERENCERS.register_module()
class AVSInferencer(BaseInferencer):
    """Segment what sounds in videos of any length.

    A video is read, predicted and written window by window, so memory does
    not grow with its length.

    Args:
        model (str | Path | Config | nn.Module): Config file, name of the
            zoo, or a model from :func:`mmavs.apis.init_model`.
        weights (str | Path, optional): Checkpoint. Defaults to None: those
            of the zoo for a name, random ones for a config.
        device (str, optional): Defaults to the best there is.
        show_progress (bool): Show a progress bar. Defaults to True.

    Raises:
        ValueError: If the model cannot be built or has no test pipeline.

    Examples:
        >>> inferencer = AVSInferencer('config.py', 'checkpoint.pth')
        >>> inferencer('dog.mp4', out_dir='results')
    """

    preprocess_kwargs = {'fps', 'window_seconds', 'audio_stream',
                         'on_missing_audio'}
    visualize_kwargs = {'out_dir', 'outputs', 'alpha', 'heatmaps'}
    postprocess_kwargs: set = set()

    def __init__(self, model: str | os.PathLike | Config | nn.Module,
                 weights: str | os.PathLike | None = None,
                 device: str | None = None, *,
                 show_progress: bool = True) -> None:
        # The base class resolves names in the current scope.
        init_default_scope('mmavs')
        self.scope = 'mmavs'
        self.show_progress = show_progress
        device = device or get_device()
        if isinstance(model, nn.Module):
            if getattr(model, 'cfg', None) is None:
                raise ValueError('a built model needs its config in .cfg, as '
                                 'mmavs.apis.init_model leaves it there')
            cfg, self.model = model.cfg, model.to(device).eval()
        else:
            cfg, self.model = self._build(model, weights, device)
        self.cfg = cfg
        self.pipeline = self._init_pipeline(cfg)
        self.collate_fn = pseudo_collate
        self.visualizer = AVSVisualizer('inferencer')
        self.meta = getattr(self.model, 'dataset_meta', None) or (
            dataset_meta(cfg))
        self.visualizer.dataset_meta = self.meta

    @staticmethod
    def _build(model: str | os.PathLike | Config,
               weights: str | os.PathLike | None,
               device: str) -> tuple[Config, nn.Module]:
        if isinstance(model, Config) or is_config_path(model):
            cfg = model if isinstance(model, Config) else load_config(model)
            if weights is None:
                print_log('no checkpoint is given: the masks come from '
                          'random weights', logger='current', level=30)
            return cfg, init_model(cfg, weights, device)
        cfg = load_config(find_entry(str(model)).config)
        return cfg, get_model(str(model), weights or True, device)

    def _init_pipeline(self, cfg: Config) -> Compose:
        """The config's test pipeline without its loading steps."""
        loader = cfg.get('test_dataloader') or cfg.get('val_dataloader')
        if not loader:
            raise ValueError(f'{cfg.filename}: has no test_dataloader, whose '
                             'pipeline says how frames and sound are '
                             'prepared')
        dataset = next(datasets_of(loader['dataset']))
        self.window_seconds = (
            10 if 'Semantic' in _type_name(dataset) else 5)
        steps = [step for step in dataset['pipeline']
                 if not _type_name(step).startswith(('Load', 'ResizeMasks'))]
        if not any(_type_name(s) == 'LogMelSpectrogram' for s in steps):
            steps.insert(len(steps) - 1, dict(type='LogMelSpectrogram'))
        return Compose(steps)

    def __call__(self, inputs: Any, return_datasamples: bool = False,
                 batch_size: int = 1, *,
                 out_dir: str | os.PathLike | None = None,
                 outputs: Sequence[str] = ('video', 'sheet'),
                 fps: int = 1, window_seconds: int | None = None,
                 audio_stream: int = 0, on_missing_audio: str = 'raise',
                 alpha: float = 0.5, heatmaps: bool = False) -> dict:
        """Segment videos.

        Args:
            inputs (Any): A video file; a folder of videos; a pair (folder of
                frames, wav file), one frame a second; a tuple (frames (N, H,
                W, 3), fps, waveform, sample rate); or a list of these.
            return_datasamples (bool): Return an :class:`AVSDataSample` per
                window instead of plain arrays; their memory grows with the
                video. Defaults to False.
            batch_size (int): Windows passed at once. Defaults to 1.
            out_dir (str | PathLike, optional): Folder for the outputs.
                Defaults to None: nothing is written, the masks are returned.
            outputs (Sequence[str]): Which of 'video' (overlay with the
                original sound), 'masks' (PNG), 'json' (COCO RLE), 'npz'
                (probabilities) and 'sheet' (frames, masks and sound on
                pages). Defaults to ('video', 'sheet').
            fps (int): Masks per second. At more than one, a window is passed
                that many times, with later frames and the sound centred on
                each frame. Defaults to 1, as the data sets pair them.
            window_seconds (int, optional): Seconds per window. Defaults to
                the clips of the model's data set (5 or 10).
            audio_stream (int): Which sound track of a file. Defaults to 0.
            on_missing_audio (str): 'raise' or 'silence'. Defaults to
                'raise'.
            alpha (float): Weight of the mask colour. Defaults to 0.5.
            heatmaps (bool): Show CLEVER's heat maps and the strength of
                BCSM's gates on the contact sheets. Defaults to False.

        Returns:
            dict: ``predictions``, a dict per input with ``name``,
            ``num_masks``, ``times`` of the masks in seconds, ``outputs``
            (kind to path), ``masks`` (M, H, W) without ``out_dir``, and
            ``data_samples`` on request; ``visualization``, the first
            contact sheet of each input or None.

        Raises:
            ValueError: If an input or argument is unusable; the message
                names it and the fix.
        """
        unknown = set(outputs) - set(OUTPUTS)
        if unknown:
            raise ValueError(f'outputs must be among {OUTPUTS}, got '
                             f'{sorted(unknown)}')
        if not isinstance(fps, int) or fps < 1 or batch_size < 1:
            raise ValueError('fps and batch_size must be whole numbers from '
                             f'1 on, got {fps} and {batch_size}')
        folder = None if out_dir is None else check_folder(out_dir)
        seconds = window_seconds or self.window_seconds
        sources = [make_source(item, audio_stream=audio_stream,
                               on_missing_audio=on_missing_audio)
                   for item in list_inputs(inputs)]
        predictions, pages = [], []
        for source, stem in zip(sources, unique_stems(
                [source.name for source in sources])):
            writers = {} if folder is None else self._writers(
                folder, stem, source, outputs, fps, alpha)
            try:
                predictions.append(self._infer(
                    source, writers, seconds=seconds, fps=fps,
                    batch_size=batch_size, keep_masks=folder is None,
                    keep_samples=return_datasamples, heatmaps=heatmaps))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                raise OSError(
                    errno.ENOSPC, f'{out_dir}: the disk is full; make room '
                    'or choose another out_dir') from error
            pages.append(getattr(writers.get('sheet'), 'first_page', None))
        return dict(predictions=predictions, visualization=pages)

    def _writers(self, folder: Path, stem: str, source: ClipSource,
                 outputs: Sequence[str], fps: int, alpha: float
                 ) -> dict[str, Output]:
        """What writes each kind of output; see OUTPUTS."""
        names, colours = self._names(), colours_of(self.meta)
        flat = colours if len(names) > 2 else np.array(
            [(0, 0, 0), (255, 96, 32)])
        self.visualizer.alpha = alpha
        make = dict(
            video=lambda: OverlayVideo(
                folder / f'{stem}.mp4', source, fps=fps, colours=flat,
                names=names, alpha=alpha),
            masks=lambda: MaskImages(folder / f'{stem}_masks', colours),
            json=lambda: RleJson(folder / f'{stem}.json', source, fps=fps,
                                 names=names),
            npz=lambda: ProbabilityArchive(folder / f'{stem}.npz'),
            sheet=lambda: ContactSheets(
                folder / f'{stem}_sheet.png', self.visualizer, fps=fps,
                title=source.name))
        return {kind: make[kind]() for kind in OUTPUTS if kind in outputs}

    def _names(self) -> list[str]:
        names = list(self.meta.get('classes') or ())
        return names or ['background', 'sounding']

    def _infer(self, source: ClipSource, writers: dict[str, Output], *,
               seconds: int, fps: int, batch_size: int, keep_masks: bool,
               keep_samples: bool, heatmaps: bool) -> dict:
        """Go through one input."""
        result = dict(name=source.name, num_masks=0, times=[], outputs={
            kind: os.fspath(writer.path) for kind, writer in
            writers.items()})
        masks, samples = [], []
        total = source.num_seconds * fps
        bar = ProgressBar(total) if self.show_progress else None
        with_scores = keep_samples or bool({'json', 'npz'} & set(writers))
        with ExitStack() as stack:
            for writer in writers.values():
                stack.enter_context(writer)
            for window in self.predict_windows(
                    source, seconds=seconds, fps=fps, batch_size=batch_size,
                    with_scores=with_scores, heatmaps=heatmaps):
                if heatmaps and not (window.heatmaps or window.gates):
                    raise ValueError(
                        'heatmaps shows those of CLEVERHead and the gates of '
                        'BCSM; this model has neither')
                for writer in writers.values():
                    writer.add(window)
                result['times'] += window.times
                result['num_masks'] += len(window.masks)
                if keep_masks:
                    masks.append(window.masks)
                if keep_samples:
                    samples.append(clip_sample(
                        source.name, source.size, window))
                if bar is not None:
                    bar.update(len(window.masks))
        if bar is not None:
            print()
        if keep_masks:
            result['masks'] = np.concatenate(masks)
        if keep_samples:
            result['data_samples'] = samples
        return result

    def predict_windows(self, source: ClipSource, *, seconds: int,
                        fps: int = 1, batch_size: int = 1,
                        with_scores: bool = True,
                        heatmaps: bool = False) -> Iterator[Window]:
        """Masks of a source, window by window.

        Args:
            source (ClipSource): See ``make_source``.
            seconds (int): Seconds per window.
            fps (int): Masks per second. Defaults to 1.
            batch_size (int): Passes at once. Defaults to 1.
            with_scores (bool): Keep the scores. Defaults to True.
            heatmaps (bool): Keep heat maps and gates. Defaults to False.

        Yields:
            Window: In the order of time.
        """
        size = self._score_size(source.size, seconds)
        total = source.num_seconds * fps
        passes: list[Pass] = []
        for group in batches(clips(source, seconds=seconds, fps=fps),
                             batch_size):
            for done in self._pass(group, source, size, with_scores,
                                   heatmaps):
                passes.append(done)
                if done.clip.window_sound is None:
                    continue
                window = join_passes(passes, source.size, fps)
                window.final = window.start + len(window.masks) == total
                passes = []
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
        classes = max(1, len(self._names()) if len(self._names()) > 2 else 1)
        pixels = size[0] * size[1] * classes * seconds
        scale = min(1., (_MAX_SCORES / pixels)**0.5)
        return tuple(max(1, round(side * scale)) for side in size)

    def _pack(self, clip: Clip, source: ClipSource,
              size: tuple[int, int]) -> dict:
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
            return self.forward(self.collate_fn(packed))
        finally:
            if config is not None and with_scores:
                config['with_scores'] = before

    def visualize(self, inputs: list, preds: Any, **kwargs) -> list:
        """Contact sheets are drawn while predicting; see ``__call__``."""
        return [page for page in preds.get('visualization', ())]

    def postprocess(self, preds: Any, visualization: list,
                    return_datasample: bool = False, **kwargs) -> dict:
        """Put both parts of the result together."""
        return dict(predictions=preds, visualization=visualization)


def _type_name(part: dict) -> str:
    kind = part['type']
    return kind.split('.')[-1] if isinstance(kind, str) else kind.__name__
