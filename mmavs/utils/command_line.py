# Copyright (c) OpenMMLab. All rights reserved.
"""What the command-line programs share."""

import os
import sys
from collections.abc import Callable

TRACEBACK_ENV = 'MMAVS_TRACEBACK'


def _user_errors() -> tuple[type[BaseException], ...]:
    """Errors whose message is meant for the user."""
    from mmengine.config.utils import ConfigParsingError

    from mmavs.datasets.errors import ClipError
    from mmavs.engine.hooks.non_finite_loss_hook import NonFiniteLossError
    from mmavs.io.checkpoint import CheckpointError
    return (OSError, ValueError, KeyError, TypeError, ImportError,
            SyntaxError, ConfigParsingError, CheckpointError,
            ClipError, NonFiniteLossError)


def one_line(error: BaseException) -> str:
    """Return an error's message in one line."""
    if isinstance(error, KeyError) and error.args:
        text = str(error.args[0])  # str(KeyError) puts quotes around it
    else:
        text = str(error)
    return ' '.join(text.split()) or type(error).__name__


def run_program(main: Callable[[], int | None]) -> None:
    """Run a program and turn the user's errors into one line.

    Exit code 1 is an error, 2 a wrong command line (from argparse), 130 a
    stop by Ctrl-C. With the environment variable ``MMAVS_TRACEBACK=1``, and
    for errors of the program itself, the traceback is shown.

    Args:
        main (callable): The program; returns an exit code or None.
    """
    try:
        sys.exit(main() or 0)
    except KeyboardInterrupt:
        print('stopped', file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        if os.environ.get(TRACEBACK_ENV) or not isinstance(
                error, _user_errors()):
            raise
        print(f'error: {one_line(error)}\n(set {TRACEBACK_ENV}=1 to see '
              'where it comes from)', file=sys.stderr)
        sys.exit(1)
