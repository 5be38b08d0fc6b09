# Copyright (c) OpenMMLab. All rights reserved.
"""SelM's modules by themselves, float32, without gradient."""

import torch
from common import Row, race
from plain import plain_composition
from torch.utils._python_dispatch import TorchDispatchMode

from mmavs.models.decode_heads import CLEVERHead
from mmavs.models.decode_heads.clever_layers import MaskHead
from mmavs.models.necks import BCSM, DAM
from mmavs.structures import AVFeatures


class Launches(TorchDispatchMode):
    """Count what a GPU would start a kernel for."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        self.count += not (func.is_view or name in (
            'empty', 'detach', '_unsafe_view'))
        return func(*args, **(kwargs or {}))


def features(clips: int, seconds: int, size: int) -> AVFeatures:
    gen = torch.Generator().manual_seed(0)
    frames = clips * seconds
    return AVFeatures(
        maps=[torch.randn(frames, 256, size // s, size // s, generator=gen)
              for s in (4, 8, 16, 32)],
        audio=torch.randn(clips, seconds, 1, 256, generator=gen),
        valid=torch.ones(clips, seconds, dtype=torch.bool))


def against_plain(name: str, function, **options) -> Row:
    def plain() -> None:
        with plain_composition():
            function()

    return race(name, plain, function, **options)


@torch.no_grad()
def run(quick: bool) -> list[Row]:
    torch.manual_seed(0)
    rows = [launches()]
    neck = BCSM([256] * 4).eval()
    for clips in (1, 4) if quick else (1, 2, 4, 16):
        data = features(clips, 5, 64)
        rows.append(against_plain(
            f'BCSM, B = {clips}, T = 5', lambda data=data: neck(data),
            target=1, repeats=9))
    size, seconds = (112, 1) if quick else (448, 1)
    v = torch.randn(seconds, 256, size // 4, size // 4)
    token = torch.randn(seconds, 256)
    mask_head = MaskHead(256, 1, upsample_steps=2).eval()
    rows.append(against_plain(
        f'mask head, two doublings, one frame of {size}',
        lambda: mask_head(v, token)))
    head = CLEVERHead([256] * 4, 256).eval()
    data = features(1, seconds, size)
    rows.append(against_plain(
        f'CLEVER, one frame of {size}', lambda: head(data)))
    rows.append(dam(size))
    return rows


def launches() -> Row:
    counts = []
    for stacked in (False, True):
        neck, data = BCSM([256] * 4, stacked=stacked).eval(), features(
            1, 5, 64)
        neck(data)
        with Launches() as launched:
            neck(data)
        counts.append(launched.count)
    return Row('BCSM, kernel launches (as on a GPU)', 'kernels', *counts, 5,
               note='plain: encoder by encoder')


def dam(size: int) -> Row:
    """There is one way to compute DAM; its time, for information."""
    block = DAM([64, 128, 320, 512], 256).eval()
    x = torch.randn(1, 64, size // 4, size // 4)
    audio, valid = torch.randn(1, 1, 1, 256), torch.ones(
        1, 1, dtype=torch.bool)

    def fuse() -> None:
        block.fuse(0, x, audio, valid)

    row = race(f'DAM, stage 1, one frame of {size}', fuse, fuse)
    row.plain, row.plain_spread = None, 0.
    row.note = 'one path'
    return row
