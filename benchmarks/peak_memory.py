# Copyright (c) OpenMMLab. All rights reserved.
"""Peak memory of training selm_pvt_ms3: SIZE, 0 or 1 for checkpointing.

Prints the peak of the process in GiB, and how much of it is above the imported
libraries, weights, gradients and the optimiser's state.
"""

import re
import sys
from pathlib import Path

from common import build_model, make_batch, training_step


def resident_gib(entry: str = 'VmRSS') -> float:
    """What the process holds now, or has held at most (``'VmHWM'``).

    ``getrusage`` would not do: its peak begins with what the parent process
    held when it started this one.
    """
    status = Path('/proc/self/status').read_text()
    kib = re.search(rf'^{entry}:\s+(\d+) kB$', status, re.MULTILINE)
    return int(kib[1]) / 2**20


def main() -> None:
    size, with_cp = int(sys.argv[1]), bool(int(sys.argv[2]))
    libraries = resident_gib()
    model = build_model('selm/selm_pvt_ms3.py', backbone__with_cp=with_cp,
                        decode_head__with_cp=with_cp).train()
    step = training_step(model, make_batch(size))
    for _ in range(2):  # AdamW's state is there from the second step on
        step()
    peak = resident_gib('VmHWM')
    fixed = libraries + sum(
        p.numel() * (16 if p.requires_grad else 4)
        for p in model.parameters()) / 2**30
    print(f'{peak:.3f} {peak - fixed:.3f}')


if __name__ == '__main__':
    main()
