# Copyright (c) OpenMMLab. All rights reserved.
"""What tests of programs in processes of their own share."""

import signal


def hear_ctrl_c():
    """For ``preexec_fn``: a shell's background jobs, and so the tests that
    run in one, hand a deaf ear for SIGINT down to their children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
