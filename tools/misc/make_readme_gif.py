# Copyright (c) OpenMMLab. All rights reserved.
"""Make the moving picture of the README from a sample clip.

One clip with its own sound and with that of its twin, side by side, and
beneath it the log-mel with a playhead.
"""

import argparse
import io
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from mmavs.apis import AVSInferencer
from mmavs.datasets.synthetic.sample_videos import write_sample_videos
from mmavs.io import atomic_write
from mmavs.utils.command_line import run_program
from mmavs.video.reader import read_audio
from mmavs.video.source import VideoSource
from mmavs.visualization.overlay import overlay_mask, resize_frame
from mmavs.visualization.palette import PREDICTION
from mmavs.visualization.sound_timeline import draw_spectrogram
from mmavs.visualization.text import PAPER, draw_text

CAPTIONS = ('its own sound', 'the sound of another clip')
GAP = 8


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Make the moving picture of the README')
    parser.add_argument('--out', default='docs/en/_static/demo.gif',
                        help='default: %(default)s')
    parser.add_argument('--model', default='selm_tiny_synthetic',
                        help='default: %(default)s')
    parser.add_argument('--sample', type=int, default=0, choices=range(4),
                        help='which sample clip; default: %(default)s')
    parser.add_argument('--fps', type=int, default=8,
                        help='pictures and masks a second; default: 8')
    parser.add_argument('--size', type=int, default=240,
                        help='height of the frames; default: %(default)s')
    parser.add_argument('--colours', type=int, default=192,
                        help='at most 256; default: %(default)s')
    return parser.parse_args()


def panel(inferencer: AVSInferencer, video: Path, caption: str,
          args: argparse.Namespace) -> list[np.ndarray]:
    """A video with its masks, its caption and its sound."""
    (result, ) = inferencer(video, fps=args.fps)['predictions']
    source = VideoSource(video)
    frames = [resize_frame(frame, (args.size, args.size))
              for frame in source.frames_at(result['times'])]
    strip = draw_spectrogram(read_audio(video).numpy(),
                             (args.size // 4, args.size))
    colours = ((0, 0, 0), PREDICTION)
    pictures = []
    for index, (frame, mask) in enumerate(zip(frames, result['masks'])):
        head = np.full((26, args.size, 3), PAPER, np.uint8)
        draw_text(head, caption, (4, 3), size=14)
        sound = strip.copy()
        place = round((index + 0.5) / len(frames) * args.size)
        sound[:, place:place + 2] = 255
        pictures.append(np.concatenate([
            head, overlay_mask(frame, mask, colours, alpha=0.6), sound]))
    return pictures


def main() -> None:
    args = parse_args()
    inferencer = AVSInferencer(args.model, device='cpu', show_progress=False)
    with tempfile.TemporaryDirectory() as folder:
        sample = write_sample_videos(folder)[args.sample]
        sides = [panel(inferencer, path, caption, args) for path, caption
                 in zip((sample.path, sample.twin), CAPTIONS)]
    gap = np.full((len(sides[0][0]), GAP, 3), PAPER, np.uint8)
    pages = [Image.fromarray(np.concatenate([left, gap, right], axis=1))
             for left, right in zip(*sides)]
    # One palette for all, without dithering: small, and nothing flickers.
    tall = Image.fromarray(np.concatenate(
        [np.asarray(page) for page in pages[::4]]))
    palette = tall.quantize(args.colours, dither=Image.Dither.NONE)
    pages = [page.quantize(palette=palette, dither=Image.Dither.NONE)
             for page in pages]
    buffer = io.BytesIO()
    pages[0].save(buffer, format='GIF', save_all=True, optimize=True,
                  append_images=pages[1:], loop=0,
                  duration=round(1000 / args.fps))
    with atomic_write(args.out) as file:
        file.write(buffer.getvalue())
    print(f'{args.out}: {len(pages)} pictures, '
          f'{len(buffer.getvalue()) / 1e6:.2f} MB')


if __name__ == '__main__':
    run_program(main)
