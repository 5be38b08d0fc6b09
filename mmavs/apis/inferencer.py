# Copyright (c) OpenMMLab. All rights reserved.
"""From any video to masks of what sounds in it."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.device import get_device
from mmengine.infer import BaseInferencer
from mmengine.logging import print_log
from mmengine.registry import init_default_scope
from mmengine.utils import ProgressBar
from torch import nn

from mmavs.registry import INFERENCERS
from mmavs.visualization import AVSVisualizer

from .inference.identity import model_identity
from .inference.inputs import list_inputs, make_source
from .inference.output import (
    check_folder,
    full_disk_is_named,
    unique_stems,
)
from .inference.outputs import OUTPUTS, check_apart, make_outputs
from .inference.predictor import WindowPredictor
from .inference.results import clip_sample
from .inference.run import Run
from .inference.sources import ClipSource
from .inference.windows import Window
from .model import dataset_meta, get_model, init_model
from .model_zoo import is_config_path


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
        cfg_options (dict, optional): Changes to the config, e.g.
            ``{'model.audio_encoder.init_cfg': None}``. Defaults to None.
        show_progress (bool): Show a progress bar. Defaults to True.

    Raises:
        ValueError: If the model cannot be built or has no test pipeline.

    Examples:
        >>> inferencer = AVSInferencer('config.py', 'checkpoint.pth')
        >>> inferencer('dog.mp4', out_dir='results')
    """

    preprocess_kwargs = {'fps', 'window_seconds', 'audio_stream',
                         'on_missing_audio'}
    visualize_kwargs = {'out_dir', 'outputs', 'alpha', 'heatmaps', 'resume'}
    postprocess_kwargs: set = set()

    def __init__(self, model: str | os.PathLike | Config | nn.Module,
                 weights: str | os.PathLike | None = None,
                 device: str | None = None, *,
                 cfg_options: dict | None = None,
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
            self.model = self._build(model, weights, device, cfg_options)
            cfg = self.model.cfg
        self.cfg = cfg
        self.meta = getattr(self.model, 'dataset_meta', None) or (
            dataset_meta(cfg))
        names = self._names()
        self._predictor = WindowPredictor(
            self.model, cfg,
            num_classes=len(names) if len(names) > 2 else 1)
        self.pipeline = self._init_pipeline(cfg)
        self.window_seconds = self._predictor.window_seconds
        self.collate_fn = pseudo_collate
        self.visualizer = AVSVisualizer('inferencer')
        self.visualizer.dataset_meta = self.meta

    @staticmethod
    def _build(model: str | os.PathLike | Config,
               weights: str | os.PathLike | None, device: str,
               options: dict | None) -> nn.Module:
        if not isinstance(model, Config) and not is_config_path(model):
            return get_model(str(model), weights or True, device, options)
        built = init_model(model, weights, device, options)
        if not getattr(built.audio_encoder, 'ready', True):
            raise ValueError(
                f'{built.cfg.filename}: the weights of its frozen audio '
                'encoder were not loaded; give a checkpoint (--checkpoint)')
        if weights is None:
            print_log('no checkpoint is given: the masks come from random '
                      'weights', logger='current', level=30)
        return built

    def _init_pipeline(self, cfg: Config) -> Compose:
        """The config's test pipeline without its loading steps."""
        return self._predictor.pipeline

    def __call__(self, inputs: Any, return_datasamples: bool = False,
                 batch_size: int = 1, *,
                 out_dir: str | os.PathLike | None = None,
                 outputs: Sequence[str] = ('video', 'sheet'),
                 fps: int = 1, window_seconds: int | None = None,
                 audio_stream: int = 0, on_missing_audio: str = 'raise',
                 alpha: float = 0.5, heatmaps: bool = False,
                 resume: bool = False) -> dict:
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
            resume (bool): Go on where a run with the same arguments was
                stopped; inputs that are complete are left out. Needs
                ``out_dir``. Defaults to False.

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
        if resume and (out_dir is None or return_datasamples):
            raise ValueError('resume goes on with the files in out_dir; it '
                             'needs one, and cannot give back the data '
                             'samples of an earlier run')
        folder = None if out_dir is None else check_folder(out_dir)
        sources = [make_source(item, audio_stream=audio_stream,
                               on_missing_audio=on_missing_audio)
                   for item in list_inputs(inputs)]
        stems = list(unique_stems([source.name for source in sources]))
        if folder is not None and 'video' in outputs:
            check_apart(folder, stems, sources)
        options = dict(
            seconds=window_seconds or self.window_seconds, fps=fps,
            heatmaps=heatmaps)
        identity = {} if folder is None else model_identity(
            self.model, self.cfg)
        predictions, pages = [], []
        for source, stem in zip(sources, stems):
            run, writers = None, {}
            if folder is not None:
                writers = make_outputs(
                    outputs, folder, stem, source, self.visualizer, fps=fps,
                    names=self._names(), meta=self.meta, alpha=alpha)
                run = Run(folder, stem, writers, resume=resume,
                          total=source.num_seconds * fps,
                          identity=dict(identity, options=dict(
                              **options, alpha=alpha,
                              outputs=sorted(outputs),
                              audio_stream=audio_stream,
                              on_missing_audio=on_missing_audio),
                              input=source.fingerprint()))
            with full_disk_is_named(out_dir):
                result = self._infer(
                    source, run, **options, batch_size=batch_size,
                    with_scores=bool({'json', 'npz'} & set(outputs)),
                    keep_samples=return_datasamples)
            result['outputs'] = {kind: os.fspath(writer.path)
                                 for kind, writer in writers.items()}
            predictions.append(result)
            pages.append(writers['sheet'].first_page()
                         if 'sheet' in writers else None)
        return dict(predictions=predictions, visualization=pages)

    def _names(self) -> list[str]:
        names = list(self.meta.get('classes') or ())
        return names or ['background', 'sounding']

    def _infer(self, source: ClipSource, run: Run | None, *, seconds: int,
               fps: int, batch_size: int, with_scores: bool,
               keep_samples: bool, heatmaps: bool) -> dict:
        """Go through one input."""
        masks, samples, times = [], [], []
        done = 0 if run is None else run.done
        total = source.num_seconds * fps
        with nullcontext() if run is None else run:
            # Made when work begins, as it tells the time that is left.
            bar = ProgressBar(total - done, file=sys.stdout) if (
                self.show_progress and done < total) else None
            for window in self.predict_windows(
                    source, seconds=seconds, fps=fps, batch_size=batch_size,
                    with_scores=with_scores or keep_samples,
                    heatmaps=heatmaps, done=done) if done < total else ():
                if heatmaps and not (window.heatmaps or window.gates):
                    raise ValueError(
                        'heatmaps shows those of CLEVERHead and the gates of '
                        'BCSM; this model has neither')
                if run is None:
                    masks.append(window.masks)
                    times += window.times
                else:
                    run.add(window)
                if keep_samples:
                    samples.append(clip_sample(
                        source.name, source.size, window))
                if bar is not None:
                    bar.update(len(window.masks))
            if bar is not None:
                print()
        times = times if run is None else run.times
        result = dict(name=source.name, num_masks=len(times), times=times,
                      outputs={})
        if run is None:
            result['masks'] = np.concatenate(masks)
        if keep_samples:
            result['data_samples'] = samples
        return result

    def predict_windows(self, source: ClipSource, *, seconds: int,
                        fps: int = 1, batch_size: int = 1,
                        with_scores: bool = True, heatmaps: bool = False,
                        done: int = 0) -> Iterator[Window]:
        """Masks of a source, window by window.

        Args:
            source (ClipSource): See ``make_source``.
            seconds (int): Seconds per window.
            fps (int): Masks per second. Defaults to 1.
            batch_size (int): Passes at once. Defaults to 1.
            with_scores (bool): Keep the scores. Defaults to True.
            heatmaps (bool): Keep heat maps and gates. Defaults to False.
            done (int): Leave out the windows of the first masks. Defaults
                to 0.

        Yields:
            Window: In the order of time.
        """
        yield from self._predictor.windows(
            source, seconds=seconds, fps=fps, batch_size=batch_size,
            with_scores=with_scores, heatmaps=heatmaps, done=done)

    def visualize(self, inputs: list, preds: Any, **kwargs) -> list:
        """Contact sheets are drawn while predicting; see ``__call__``."""
        return [page for page in preds.get('visualization', ())]

    def postprocess(self, preds: Any, visualization: list,
                    return_datasample: bool = False, **kwargs) -> dict:
        """Put both parts of the result together."""
        return dict(predictions=preds, visualization=visualization)
