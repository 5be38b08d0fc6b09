# Copyright (c) OpenMMLab. All rights reserved.
"""How much memory this process takes."""

import re
import resource
import sys
from pathlib import Path

_STATUS = Path('/proc/self/status')


def resident_memory() -> int:
    """Return what this process holds in memory now, in bytes.

    Where the system does not tell (only Linux does), it is the peak.
    """
    return _entry('VmRSS')


def peak_memory() -> int:
    """Return the most this process has held in memory so far, in bytes.

    On Linux this is the process's own peak. ``getrusage``, used elsewhere,
    may begin with what the parent process held when it started this one.
    """
    return _entry('VmHWM')


def _entry(name: str) -> int:
    if _STATUS.is_file():
        found = re.search(rf'^{name}:\s+(\d+) kB$', _STATUS.read_text(),
                          re.MULTILINE)
        if found:
            return int(found[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == 'darwin' else peak * 1024
