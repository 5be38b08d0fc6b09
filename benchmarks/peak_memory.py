# Copyright (c) OpenMMLab. All rights reserved.
"""Peak memory of training selm_pvt_ms3: SIZE, 0 or 1 for checkpointing.

Prints the peak of the process in GiB, and how much of it is above the imported
libraries, weights, gradients and the optimiser's state.
"""

import resource
import sys
from pathlib import Path

from common import build_model, make_batch, training_step


def resident_gib() -> float:
    """What the process holds now.

    Its peak would not do: that begins with what the parent process held.
    """
    pages = int(Path('/proc/self/statm').read_text().split()[1])
    return pages * resource.getpagesize() / 2**30


def peak_gib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    size, with_cp = int(sys.argv[1]), bool(int(sys.argv[2]))
    libraries = resident_gib()
    model = build_model('selm/selm_pvt_ms3.py', backbone__with_cp=with_cp,
                        decode_head__with_cp=with_cp).train()
    step = training_step(model, make_batch(size))
    for _ in range(2):  # AdamW's state is there from the second step on
        step()
    peak = peak_gib()
    fixed = libraries + sum(
        p.numel() * (16 if p.requires_grad else 4)
        for p in model.parameters()) / 2**30
    print(f'{peak:.3f} {peak - fixed:.3f}')


if __name__ == '__main__':
    main()
