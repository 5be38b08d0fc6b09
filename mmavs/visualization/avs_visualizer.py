# Copyright (c) OpenMMLab. All rights reserved.
"""The registered visualizer: one clip, one page."""

import os
from collections.abc import Sequence

import numpy as np
import torch
from mmengine.dist import is_main_process
from mmengine.visualization import Visualizer
from PIL import Image

from mmavs.io.atomic import atomic_write
from mmavs.registry import VISUALIZERS
from mmavs.structures import AVSDataSample

from .contact_sheet import SheetRow, contact_sheet
from .overlay import overlay_mask, resize_mask
from .palette import GROUND_TRUTH, PREDICTION, voc_palette


@VISUALIZERS.register_module()
class AVSVisualizer(Visualizer):
    """Draw clips: frames, prediction and ground truth over the sound.

    One page shows the seconds of a clip as columns; beneath each stand its
    log-mel patches and its stretch of the waveform. With more than one
    foreground class, the classes that occur are named in a legend.

    Args:
        name (str): Name of the instance. Defaults to 'visualizer'.
        vis_backends (list[dict], optional): Where pictures are written, see
            MMEngine. Defaults to None.
        save_dir (str, optional): Folder of the back ends. Defaults to None.
        classes (Sequence[str], optional): Class names, background first.
            Defaults to the data set's.
        palette (Sequence, optional): RGB of each class. Defaults to the
            data set's, else PASCAL-VOC's; masks of one foreground class are
            drawn orange (prediction) and green (ground truth).
        alpha (float): Weight of the mask colour in 0..1. Defaults to 0.5.
        column_width (int): Width of a frame on the page. Defaults to 224.
    """

    def __init__(self, name: str = 'visualizer', *, vis_backends=None,
                 save_dir: str | None = None,
                 classes: Sequence[str] | None = None,
                 palette: Sequence[Sequence[int]] | None = None,
                 alpha: float = 0.5, column_width: int = 224) -> None:
        super().__init__(name, vis_backends=vis_backends, save_dir=save_dir)
        if not 0 <= alpha <= 1:
            raise ValueError(f'alpha must be in 0..1, got {alpha}')
        self.classes = classes
        self.palette = palette
        self.alpha = alpha
        self.column_width = column_width

    def class_names(self) -> list[str]:
        """Names of the classes, background first; empty if unknown."""
        names = self.classes
        if names is None:
            names = (self._dataset_meta or {}).get('classes')
        return list(names or ())

    def class_colours(self) -> np.ndarray:
        """RGB of each of 256 classes, (256, 3) uint8."""
        known = self.palette
        if known is None:
            known = (self._dataset_meta or {}).get('palette')
        colours = voc_palette(256)
        if known is not None and len(known):
            colours[:len(known)] = np.asarray(known, dtype=np.uint8)
        return colours

    def add_datasample(self, name: str, image: Sequence[np.ndarray],
                       data_sample: AVSDataSample | None = None, *,
                       draw_gt: bool = True, draw_pred: bool = True,
                       log_mel: np.ndarray | torch.Tensor | None = None,
                       waveform: np.ndarray | torch.Tensor | None = None,
                       sample_rate: int | None = None,
                       times: Sequence[float] | None = None,
                       seconds_per_column: float = 1.,
                       title: str | None = None,
                       extra_rows: Sequence[SheetRow] = (),
                       extra_legend: Sequence[tuple] = (),
                       show: bool = False,
                       wait_time: float = 0,
                       out_file: str | os.PathLike | None = None,
                       step: int = 0) -> np.ndarray:
        """Draw a clip, and write it to a file or the back ends.

        Args:
            name (str): Identifier of the picture.
            image (Sequence[np.ndarray]): T frames (H, W, 3) uint8 RGB.
            data_sample (AVSDataSample, optional): ``pred_sem_seg``,
                ``gt_sem_seg`` (T, h, w) or neither. Defaults to None.
            draw_gt (bool): Draw the ground truth if there. Defaults to True.
            draw_pred (bool): Draw the prediction if there. Defaults to True.
            log_mel (np.ndarray | Tensor, optional): (T, N, 1, 96, 64).
                Defaults to None.
            waveform (np.ndarray | Tensor, optional): (samples,) mono.
                Defaults to None.
            sample_rate (int, optional): Of the waveform. Defaults to None.
            times (Sequence[float], optional): Time of each frame in
                seconds. Defaults to 0, 1, ...
            seconds_per_column (float): Sound per frame. Defaults to 1.
            title (str, optional): Defaults to the clip's name, category and
                mean IoU as far as known.
            extra_rows (Sequence[SheetRow]): Drawn below the masks. Defaults
                to ().
            extra_legend (Sequence[tuple]): Pairs of name and colour, added
                to those of the classes. Defaults to ().
            show (bool): Open a window. Defaults to False.
            wait_time (float): Seconds the window stays, 0 until a key.
                Defaults to 0.
            out_file (str | PathLike, optional): Write the page there
                instead of to the back ends. Defaults to None.
            step (int): Step for the back ends. Defaults to 0.

        Returns:
            np.ndarray: The page, (H, W, 3) uint8 RGB.
        """
        frames = [np.asarray(frame) for frame in image]
        pred = _maps(data_sample, 'pred_sem_seg') if draw_pred else None
        target = _maps(data_sample, 'gt_sem_seg') if draw_gt else None
        for maps, what in ((pred, 'pred_sem_seg'), (target, 'gt_sem_seg')):
            if maps is not None and len(maps) != len(frames):
                raise ValueError(f'{name}: {len(frames)} frames but '
                                 f'{len(maps)} maps in {what}')
        rows = [SheetRow('frame', frames)]
        ious = _ious(pred, target)
        if pred is not None:
            captions = ['' if iou is None else f'J {iou:.2f}'
                        for iou in ious]
            rows.append(SheetRow('prediction', self._overlays(
                frames, pred, PREDICTION), captions))
        if target is not None:
            unknown = _unlabelled(data_sample, target)
            rows.append(SheetRow(
                'ground truth', self._overlays(frames, target, GROUND_TRUTH),
                ['no label' if flag else '' for flag in unknown]))
        page = contact_sheet(
            [*rows, *extra_rows], log_mel=_array(log_mel),
            waveform=_array(waveform),
            sample_rate=sample_rate, times=times,
            seconds_per_column=seconds_per_column,
            title=self._title(name, data_sample, ious)
            if title is None else title,
            legend=[*self._legend(pred, target), *extra_legend],
            column_width=self.column_width)
        if show and is_main_process():
            self.show(page, win_name=name, wait_time=wait_time)
        if out_file is not None:
            write_image(out_file, page)
        else:
            self.add_image(name, page, step)
        return page

    def _semantic(self, *maps: np.ndarray | None) -> bool:
        """Whether there is more than one kind of foreground."""
        return len(self.class_names()) > 2 or any(
            m is not None and m.max(initial=0) > 1 for m in maps)

    def _overlays(self, frames: Sequence[np.ndarray], maps: np.ndarray,
                  binary_colour: tuple[int, int, int]) -> list[np.ndarray]:
        colours = self.class_colours()
        if not self._semantic(maps):
            colours = np.array([(0, 0, 0), binary_colour])
        return [overlay_mask(frame, mask, colours, alpha=self.alpha)
                for frame, mask in zip(frames, maps)]

    def _legend(self, *maps: np.ndarray | None) -> list[tuple]:
        if not self._semantic(*maps):
            return []
        names, colours = self.class_names(), self.class_colours()
        seen = sorted({int(c) for m in maps if m is not None
                       for c in np.unique(m)} - {0})
        return [(names[c] if c < len(names) else f'class {c}', colours[c])
                for c in seen]

    @staticmethod
    def _title(name: str, sample: AVSDataSample | None,
               ious: Sequence[float | None]) -> str:
        parts = [name]
        if sample is not None:
            clip = sample.get('clip_id')
            parts = [str(clip)] if clip else parts
            parts += [str(sample.get('category'))] * bool(
                sample.get('category'))
            if sample.get('sound_kinds'):
                parts.append('sounds: ' + ', '.join(sample.sound_kinds))
            other = sample.get('audio_clip_id')
            if other not in (None, sample.get('clip_id')):
                parts.append(f'with the sound of {other}')
            if sample.get('audio_mode') not in (None, 'true'):
                parts.append(f'audio: {sample.audio_mode}')
        known = [iou for iou in ious if iou is not None]
        if known:
            parts.append(f'mean J {np.mean(known):.3f}')
        return '   '.join(parts)


def write_image(path: str | os.PathLike, image: np.ndarray) -> None:
    """Write an RGB picture; the format follows the suffix (default PNG)."""
    suffix = os.path.splitext(os.fspath(path))[1].lower()
    kind = Image.registered_extensions().get(suffix, 'PNG')
    with atomic_write(path) as file:
        Image.fromarray(image).save(file, format=kind)


def _array(value: np.ndarray | torch.Tensor | None) -> np.ndarray | None:
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().float().numpy()
    return value


def _maps(sample: AVSDataSample | None, key: str) -> np.ndarray | None:
    value = None if sample is None else sample.get(key)
    return None if value is None else value.detach().cpu().numpy()


def _unlabelled(sample: AVSDataSample, target: np.ndarray) -> np.ndarray:
    """Seconds whose empty map means "nobody drew one"."""
    empty = ~(target != 0).any(axis=(1, 2))
    labelled = sample.get('label_valid')
    if labelled is None:
        return np.zeros(len(target), dtype=bool)
    return empty & ~labelled.cpu().numpy()


def _ious(pred: np.ndarray | None, target: np.ndarray | None
          ) -> list[float | None]:
    """Foreground IoU of each frame; None where that means nothing."""
    if pred is None or target is None:
        return [None] * (0 if pred is None else len(pred))
    out = []
    for p, t in zip(pred, target):
        p = resize_mask(p, t.shape)
        seen = [c for c in np.unique(t) if c != 0]
        scores = [((p == c) & (t == c)).sum() / ((p == c) | (t == c)).sum()
                  for c in seen]
        out.append(float(np.mean(scores)) if scores else None)
    return out
