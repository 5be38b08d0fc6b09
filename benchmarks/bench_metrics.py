# Copyright (c) OpenMMLab. All rights reserved.
"""The metrics on the tensors of a test batch."""

import plain
import torch
from common import Row, race

from mmavs.evaluation.functional import class_areas, f_curves


def run(quick: bool) -> list[Row]:
    gen = torch.Generator().manual_seed(0)
    frames = 5 if quick else 20
    logits = torch.randn(frames, 224, 224, generator=gen) * 3
    target = (torch.rand(frames, 224, 224, generator=gen) > 0.7).byte()
    assert torch.equal(plain.f_curves(logits, target),
                       f_curves(logits, target))
    classes, truth = torch.randint(0, 71, (2, 10, 224, 224), generator=gen)
    for x, y in zip(plain.class_areas(classes, truth, 71),
                    class_areas(classes, truth, 71)):
        assert torch.equal(x.long(), y)
    return [
        race(f'F-measure, 255 thresholds, {frames} frames of 224',
             lambda: plain.f_curves(logits, target),
             lambda: f_curves(logits, target), target=50,
             note='plain: loop over thresholds; equal bit for bit'),
        race('AVSS areas, 71 classes, 10 frames of 224',
             lambda: plain.class_areas(classes, truth, 71),
             lambda: class_areas(classes, truth, 71), target=2, repeats=9,
             note='plain: torch.histc per frame; equal'),
    ]
