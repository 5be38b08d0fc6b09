# Copyright (c) OpenMMLab. All rights reserved.
"""Peak memory of training selm_pvt_ms3: SIZE, 0 or 1 for checkpointing.

Prints the peak of the process in GiB, and how much of it is above the imported
libraries, weights, gradients and the optimiser's state.
"""

import sys

from common import build_model, make_batch, training_step

from mmavs.utils.memory import peak_memory, resident_memory


def main() -> None:
    size, with_cp = int(sys.argv[1]), bool(int(sys.argv[2]))
    libraries = resident_memory() / 2**30
    model = build_model('selm/selm_pvt_ms3.py', backbone__with_cp=with_cp,
                        decode_head__with_cp=with_cp).train()
    step = training_step(model, make_batch(size))
    for _ in range(2):  # AdamW's state is there from the second step on
        step()
    peak = peak_memory() / 2**30  # without the parent's
    fixed = libraries + sum(
        p.numel() * (16 if p.requires_grad else 4)
        for p in model.parameters()) / 2**30
    print(f'{peak:.3f} {peak - fixed:.3f}')


if __name__ == '__main__':
    main()
