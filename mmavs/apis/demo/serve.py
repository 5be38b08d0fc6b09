# Copyright (c) OpenMMLab. All rights reserved.
"""Starting the page of ``mmavs demo``."""

import os
import signal
import socket
import tempfile
from pathlib import Path

from mmavs.datasets.synthetic.sample_videos import (
    cache_folder,
    write_sample_videos,
)

from ..inferencer import AVSInferencer
from .page import CSS, Page, import_gradio
from .studio import Studio

# The page may load nothing from elsewhere, whatever the library's files say.
POLICY = ("default-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
          "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
          "connect-src 'self' data: blob:; frame-ancestors 'self'")
FONTS = ('system-ui', 'Segoe UI', 'Roboto', 'sans-serif')
MONO = ('ui-monospace', 'Consolas', 'monospace')


class OnlyFromHere:
    """ASGI middleware that adds the content policy to each answer."""

    def __init__(self, app) -> None:
        self._app = app

    async def __call__(self, scope, receive, send) -> None:
        async def send_with_policy(message) -> None:
            if message['type'] == 'http.response.start':
                message['headers'] = [
                    *message.get('headers', ()),
                    (b'content-security-policy', POLICY.encode())]
            await send(message)

        await self._app(scope, receive, send_with_policy)


def serve(model: str | os.PathLike = 'selm_tiny_synthetic',
          checkpoint: str | os.PathLike | None = None, *,
          device: str | None = None, host: str = '127.0.0.1',
          port: int = 7860, share: bool = False) -> None:
    """Serve the page until Ctrl-C, from the main thread.

    Copies and results lie in a temporary folder, which is deleted at the
    end; sample clips are kept in the cache, see :func:`cache_folder`.

    Args:
        model (str | PathLike): Name of the zoo or config. Defaults to the
            model that ships with the package.
        checkpoint (str | PathLike, optional): Weights. Defaults to None,
            those of the zoo.
        device (str, optional): Defaults to None, the best there is.
        host (str): Address to listen at. Defaults to '127.0.0.1', this
            machine only.
        port (int): Defaults to 7860.
        share (bool): Also offer the page to the world through gradio's
            servers. Defaults to False.

    Raises:
        ImportError: If gradio is not installed.
        OSError: If the port is taken, or the cache not writable.
        ValueError: If the model is unknown.
    """
    gradio = import_gradio()
    from starlette.middleware import Middleware
    inferencer = AVSInferencer(model, checkpoint, device,
                               show_progress=False)
    cache = cache_folder()
    print(f'sample clips: {cache}', flush=True)
    samples = write_sample_videos(cache)
    with tempfile.TemporaryDirectory(prefix='mmavs-demo-') as folder:
        # Uploads and what gradio copies go away with the rest.
        os.environ['GRADIO_TEMP_DIR'] = os.path.join(folder, 'gradio')
        page = Page(Studio(inferencer, samples, folder), os.fspath(model),
                    Path(folder, 'posters')).build()
        _check_port(host, port)
        page.launch(
            server_name=host, server_port=port, share=share, quiet=not share,
            allowed_paths=[folder, os.fspath(cache)], show_error=True,
            footer_links=[], ssr_mode=False, css=CSS, prevent_thread_lock=True,
            theme=gradio.themes.Default(primary_hue='orange', font=FONTS,
                                        font_mono=MONO),
            app_kwargs={} if share else dict(
                middleware=[Middleware(OnlyFromHere)]))
        # A server is also stopped by "kill", and should tidy up then too.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            print(f'open http://{host}:{port} in a browser; Ctrl-C stops',
                  flush=True)
            page.block_thread()
        finally:
            page.close(verbose=False)


def _check_port(host: str, port: int) -> None:
    """See that the port can be had, as gradio's own message has no fix."""
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            raise OSError(f'cannot listen at {host}:{port} ({error}); is it '
                          'taken? choose another one with --port') from error
