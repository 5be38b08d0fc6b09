# Copyright (c) OpenMMLab. All rights reserved.
"""The page itself, in gradio."""

import os
from functools import partial
from html import escape
from pathlib import Path
from types import ModuleType
from typing import Any

from PIL import Image

from mmavs.utils.command_line import one_line
from mmavs.video.source import VideoSource

from .studio import SOUNDS, Studio

TITLE = 'What sounds in this video?'
INTRO = (
    'The model marks whatever makes the sound. Take the sound away, or put '
    'another one in its place: does the mask follow?')
LABELS = dict(own='Own sound', muted='Mute', swapped='Swap')
CAPTIONS = dict(
    own='with its own sound', muted='without sound',
    swapped='with the sound of another clip')
CSS = """
.gradio-container {max-width: 1160px !important; margin: 0 auto !important}
#title h1 {font-size: 1.7rem; margin: .4rem 0 .2rem}
#title p, .hint p {color: var(--neutral-500)}
.hint, .hint p {margin: 0 !important; font-size: .9rem}
#overlay video, #source video {background: #1e1e24}
#samples {border: 0; box-shadow: none; background: none; padding: 0}
#samples .grid-wrap {overflow: hidden; padding: 0; min-height: 0 !important;
  height: auto !important; max-height: none !important}
#samples .grid-container {grid-template-columns: repeat(4, 1fr) !important;
  grid-auto-rows: auto; padding: 2px; margin: 0; height: auto}
#samples .thumbnail-item {height: auto; aspect-ratio: 1}
#timeline, #timeline * {border: 0; padding: 0}
#timeline img {width: 100%; border-radius: .3rem}
.gradio-container .column {gap: .55rem}
#shares .share {display: grid; grid-template-columns: 14rem 7.5rem 1fr;
  align-items: center; font-size: .9rem; line-height: 1.6}
#shares .bar {background: #ff6020; height: .7rem; border-radius: .2rem;
  min-width: 2px}
"""


def import_gradio() -> ModuleType:
    """Import gradio with everything off that would leave this machine.

    Raises:
        ImportError: If it is not installed; the message holds the fix.
    """
    os.environ['GRADIO_ANALYTICS_ENABLED'] = 'False'
    os.environ.setdefault('HF_HUB_DISABLE_TELEMETRY', '1')
    try:
        import gradio
    except ImportError as error:
        raise ImportError(
            f'mmavs demo needs gradio ({error}); install it with "pip '
            'install \'mmavs[demo]\'" or "pip install \'gradio>=6\'"'
        ) from error
    if int(gradio.__version__.split('.')[0]) < 6:
        raise ImportError(
            f'mmavs demo needs gradio 6, {gradio.__version__} is installed; '
            '"pip install --upgrade gradio"')
    return gradio


class Page:
    """The page of a studio.

    Args:
        studio (Studio): What makes the results.
        model (str): Name of the model, to be shown.
        posters (str | PathLike): Folder for small pictures of the samples.
    """

    def __init__(self, studio: Studio, model: str,
                 posters: str | os.PathLike) -> None:
        self._studio, self._model = studio, model
        self._posters = Path(posters)
        self._gradio = import_gradio()

    def build(self) -> Any:
        """Put the page together; returns ``gradio.Blocks``."""
        gr = self._gradio
        with gr.Blocks(title='mmavs demo', analytics_enabled=False) as page:
            gr.Markdown(f'# {TITLE}\n{INTRO}', elem_id='title')
            with gr.Row():
                with gr.Column(scale=2, min_width=320):
                    gr.Markdown('**1.** Pick a sample clip ...',
                                elem_classes='hint')
                    samples = gr.Gallery(
                        self._gallery(), columns=4, height='auto',
                        allow_preview=False, interactive=False, buttons=[],
                        object_fit='cover', show_label=False,
                        elem_id='samples')
                    gr.Markdown('... or upload a video; its first minute is '
                                'used', elem_classes='hint')
                    source = gr.Video(
                        sources=['upload'], height=280, elem_id='source',
                        show_label=False, buttons=[])
                    fps = gr.Slider(1, 8, 4, step=1, label='Masks per second')
                with gr.Column(scale=3, min_width=420):
                    caption = gr.Markdown('**2.** See what is marked',
                                          elem_classes='hint')
                    overlay = gr.Video(
                        show_label=False, autoplay=True, loop=True,
                        interactive=False, height=360, elem_id='overlay',
                        buttons=['download'])
                    gr.Markdown('**3.** Change the sound',
                                elem_classes='hint')
                    with gr.Row():
                        buttons = {
                            sound: gr.Button(LABELS[sound], size='md',
                                             elem_id=f'sound-{sound}',
                                             interactive=False)
                            for sound in SOUNDS}
                    timeline = gr.Image(
                        show_label=False, interactive=False, buttons=[],
                        elem_id='timeline')
                    shares = gr.HTML(elem_id='shares')
            gr.Markdown(f'Model: `{self._model}`. Everything runs on this '
                        'machine.')
            heard, past = gr.State('own'), gr.State({})
            outputs = [overlay, caption, timeline, shares, heard, past,
                       *buttons.values()]

            def pick(event: gr.SelectData) -> str:
                """The video of the sample that was picked."""
                return os.fspath(self._studio.samples[event.index].path)

            samples.select(pick, None, source)
            source.change(self._fresh, [source, fps], outputs,
                          show_progress_on=[overlay])
            fps.release(self._again, [source, heard, fps], outputs,
                        show_progress_on=[overlay])
            for sound, button in buttons.items():
                button.click(partial(self._show, sound=sound),
                             [source, fps, past], outputs,
                             show_progress_on=[overlay])
        return page

    def _gallery(self) -> list[str]:
        """A picture from the middle of each sample."""
        self._posters.mkdir(parents=True, exist_ok=True)
        pictures = []
        for sample in self._studio.samples:
            path = self._posters / f'{sample.name}.png'
            video = VideoSource(sample.path)
            frame = next(video.frames_at([video.duration / 2]))
            Image.fromarray(frame).save(path)
            pictures.append(os.fspath(path))
        return pictures

    def _fresh(self, source: str | None, fps: int) -> list:
        """Another video: begin with its own sound."""
        if source is None:
            return [None, _caption(None), None, '', 'own', {},
                    *self._buttons(None)]
        return self._show(source, fps, {}, sound='own')

    def _again(self, source: str | None, heard: str, fps: int) -> list:
        """Another number of masks."""
        if source is None:
            return self._fresh(None, fps)
        return self._show(source, fps, {}, sound=heard)

    def _show(self, source: str, fps: int, past: dict[str, float], *,
              sound: str) -> list:
        """The video under a sound; what was seen of it before stays."""
        try:
            shown = self._studio.show(source, sound, fps=int(fps))
        except (OSError, ValueError) as error:
            raise self._gradio.Error(one_line(error)) from error
        past = {**past, sound: shown.share}
        return [shown.overlay, _caption(sound), shown.timeline,
                share_bars(past), sound, past, *self._buttons(sound)]

    def _buttons(self, active: str | None) -> list:
        return [self._gradio.Button(
            interactive=active is not None,
            variant='primary' if sound == active else 'secondary')
            for sound in SOUNDS]


def _caption(sound: str | None) -> str:
    """What stands over the video with the masks."""
    if sound is None:
        return '**2.** See what is marked'
    return f'**2.** See what is marked: the video {CAPTIONS[sound]}'


def share_bars(past: dict[str, float]) -> str:
    """Bars of how much was marked under each sound, as HTML."""
    top = max([*past.values(), 1e-9])
    return ''.join(
        f'<div class="share" data-sound="{sound}" data-share='
        f'"{past[sound]:.4f}"><span>{escape(CAPTIONS[sound])}</span>'
        f'<span>{100 * past[sound]:.1f} % marked</span>'
        f'<div class="bar" style="width: {100 * past[sound] / top:.1f}%">'
        '</div></div>' for sound in SOUNDS if sound in past)
