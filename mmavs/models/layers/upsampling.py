# Copyright (c) OpenMMLab. All rights reserved.
"""A 3x3 convolution after bilinear doubling, at a quarter of the products.

Winograd's minimal filtering (Lavin and Gray, "Fast algorithms for
convolutional neural networks", https://arxiv.org/abs/1509.09308): F(4x4, 3x3)
needs 36 products where the plain sum needs 144. The doubled map is never
made: seen from the small map, doubling and convolution together are four 3x3
convolutions, one for each place of a large pixel within a small one, which
share the transformed input.

For the CPU, where this is most of the time of SelM's decoder. cuDNN has its
own.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

# Lavin and Gray, section 4.3.
_INPUT = ((4, 0, -5, 0, 1, 0), (0, -4, -4, 1, 1, 0), (0, 4, -4, -1, 1, 0),
          (0, -2, -1, 2, 1, 0), (0, 2, -1, -2, 1, 0), (0, 4, 0, -5, 0, 1))
_KERNEL = ((1 / 4, 0, 0), (-1 / 6, -1 / 6, -1 / 6), (-1 / 6, 1 / 6, -1 / 6),
           (1 / 24, 1 / 12, 1 / 6), (1 / 24, -1 / 12, 1 / 6), (0, 0, 1))
_OUTPUT = ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0),
           (0, 1, -1, 8, -8, 1))
# Doubling: tap k of the convolution at large pixel 2i + p reads the small
# pixels i - 1, i, i + 1 with these weights [p][k].
_DOUBLING = (((3 / 4, 1 / 4, 0), (1 / 4, 3 / 4, 0), (0, 3 / 4, 1 / 4)),
             ((1 / 4, 3 / 4, 0), (0, 3 / 4, 1 / 4), (0, 1 / 4, 3 / 4)))
# Below these the transformed kernels cost more than the products saved.
_FEW_CHANNELS, _FEW_PIXELS = 128, 8192
_TILE = 4
_HAS_ONEDNN = torch.backends.mkldnn.is_available() and hasattr(
    torch.ops.mkldnn, '_linear_pointwise')
_BAND = 256  # tiles at a time, so that they stay in the cache


def upsampled_conv(x: Tensor, weight: Tensor) -> Tensor:
    """Double a map bilinearly and convolve it, the fast way where it can.

    The fast way has no gradient of its own; it is taken on the CPU, in
    float32, where none is asked for, for sides that are multiples of 4, and
    for channels and pixels enough to be worth it.

    Args:
        x (Tensor): (M, C, H, W).
        weight (Tensor): (O, C, 3, 3).

    Returns:
        Tensor: (M, O, 2H, 2W).
    """
    needs_grad = torch.is_grad_enabled() and (
        x.requires_grad or weight.requires_grad)
    plain = (needs_grad or x.device.type != 'cpu'
             or x.dtype != torch.float32 or weight.dtype != torch.float32
             or torch.is_autocast_enabled('cpu')
             or torch.compiler.is_compiling()
             or weight.shape[1] < _FEW_CHANNELS
             or x.numel() < _FEW_PIXELS * x.shape[1]
             or x.shape[-2] % _TILE or x.shape[-1] % _TILE)
    return (upsampled_conv_reference if plain else upsampled_conv_winograd)(
        x, weight)


def upsampled_conv_reference(x: Tensor, weight: Tensor) -> Tensor:
    """What :func:`upsampled_conv` computes, in two steps."""
    x = F.interpolate(
        x, scale_factor=2, mode='bilinear', align_corners=False)
    return F.conv2d(x, weight, padding=1)


def upsampled_conv_winograd(x: Tensor, weight: Tensor) -> Tensor:
    """The same with few products; sides must be multiples of 4.

    The result has its channels last in memory.
    """
    kernels = _transform_kernels(weight)  # (36, 4*O, C)
    height, width = x.shape[-2:]
    out = torch.empty(
        len(x), len(weight), 2 * height, 2 * width, dtype=x.dtype,
        device=x.device, memory_format=torch.channels_last)
    for frame, result in zip(x, out, strict=True):
        _fill(result.permute(1, 2, 0), frame.permute(1, 2, 0), kernels)
    _fill_border(out, x, weight)
    return out


def _transform_kernels(weight: Tensor) -> Tensor:
    doubling = weight.new_tensor(_DOUBLING)  # (p, k, j)
    kernel = weight.new_tensor(_KERNEL)  # (6, 3)
    one_way = torch.einsum('uj,pkj->upk', kernel, doubling)  # (6, 2, 3)
    flat = torch.einsum('upk,vqm->uvpqkm', one_way, one_way).reshape(144, 9)
    transformed = flat @ weight.flatten(2).permute(2, 0, 1).flatten(1)
    return transformed.view(36, 4 * weight.shape[0], weight.shape[1])


def _fill(out: Tensor, x: Tensor, kernels: Tensor) -> None:
    """Everything but the outermost pixels of out (2H, 2W, O)."""
    channels = x.shape[2]
    pieces = x.new_tensor(_INPUT)
    to_tiles = torch.kron(pieces, pieces)  # (36, 36)
    pieces = x.new_tensor(_OUTPUT)
    from_tiles = torch.kron(pieces, pieces)  # (16, 36)
    padded = _with_margin(x)
    tiles = padded.unfold(0, 6, _TILE).unfold(1, 6, _TILE)
    rows, columns = tiles.shape[:2]  # of tiles (rows, columns, C, 6, 6)
    step = max(1, _BAND // columns)
    for first in range(0, rows, step):
        band = tiles[first:first + step]
        here = len(band)
        y = to_tiles @ band.permute(3, 4, 0, 1, 2).reshape(36, -1)
        y = _products(y.view(36, -1, channels), kernels)  # (36, tiles, 4*O)
        y = (from_tiles @ y.flatten(1)).view(
            _TILE, _TILE, here, columns, 2, 2, -1)  # (r, c, y, x, p, q, O)
        rows_out = out[8 * first:8 * (first + here)]
        rows_out.view(here, _TILE, 2, columns, _TILE, 2, -1).copy_(
            y.permute(2, 0, 4, 3, 1, 5, 6))


def _with_margin(x: Tensor) -> Tensor:
    """Repeat the outermost pixels once: (H, W, C) to (H + 2, W + 2, C)."""
    x = torch.cat([x[:1], x, x[-1:]])
    return torch.cat([x[:, :1], x, x[:, -1:]], dim=1)


def _products(y: Tensor, kernels: Tensor) -> Tensor:
    """(36, tiles, C) by (36, 4*O, C) to (36, tiles, 4*O)."""
    if not _HAS_ONEDNN or y.dtype != torch.float32:
        return torch.bmm(y, kernels.transpose(1, 2))
    # twice as fast as the matrix product of the BLAS library on some CPUs
    linear = torch.ops.mkldnn._linear_pointwise
    return torch.stack([linear(part, kernel, None, 'none', [], '')
                        for part, kernel in zip(y, kernels, strict=True)])


def _fill_border(out: Tensor, x: Tensor, weight: Tensor) -> None:
    """Where the convolution meets the zeros around the doubled map."""
    def ends(part: Tensor) -> Tensor:
        return upsampled_conv_reference(part, weight)

    out[..., 0, :] = ends(x[..., :2, :])[..., 0, :]
    out[..., -1, :] = ends(x[..., -2:, :])[..., -1, :]
    out[..., 0] = ends(x[..., :2])[..., 0]
    out[..., -1] = ends(x[..., -2:])[..., -1]
