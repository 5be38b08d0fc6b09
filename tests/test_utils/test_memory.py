# Copyright (c) OpenMMLab. All rights reserved.
import subprocess
import sys

import numpy as np
import pytest

from mmavs.utils import memory
from mmavs.utils.memory import peak_memory, resident_memory

MIB = 2**20
linux = pytest.mark.skipif(sys.platform != 'linux',
                           reason='only Linux tells a process apart')
PROGRAM = """
import runpy, sys
memory = runpy.run_path(sys.argv[1])
start = memory['resident_memory']()
block = bytearray(b'x' * (64 << 20))
full = memory['resident_memory']()
del block
print(start, full, memory['resident_memory'](), memory['peak_memory']())
"""


@linux
def test_the_peak_is_the_processs_own():
    ballast = np.ones(400 * MIB // 8)
    assert resident_memory() > ballast.nbytes
    done = subprocess.run([sys.executable, '-c', PROGRAM, memory.__file__],
                          capture_output=True, text=True, check=True)
    start, full, end, peak = map(int, done.stdout.split())
    assert start + 60 * MIB < full and end + 60 * MIB < full
    assert full <= peak < ballast.nbytes


def test_the_peak_is_never_below_what_is_held():
    assert 10 * MIB < resident_memory() <= peak_memory()


def test_elsewhere_getrusage_tells(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, '_STATUS', tmp_path / 'none')
    kib = memory.resource.getrusage(memory.resource.RUSAGE_SELF).ru_maxrss
    unit = 1 if sys.platform == 'darwin' else 1024
    assert peak_memory() == resident_memory() == pytest.approx(
        kib * unit, rel=0.1)
    (tmp_path / 'status').write_text('Name:\tpython\nVmHWM:\t7 kB\n')
    monkeypatch.setattr(memory, '_STATUS', tmp_path / 'status')
    assert peak_memory() == 7 * 1024
