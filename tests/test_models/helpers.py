# Copyright (c) OpenMMLab. All rights reserved.
"""Small features, labels and checks that several model tests share."""

import torch

from mmavs.structures import AVFeatures, AVSDataSample

STRIDES = (4, 8, 16, 32)


def make_features(*, clips=2, seconds=3, tokens=1, size=(64, 64), width=32,
                  audio_width=16, lengths=None, seed=0):
    """Random features; padded seconds are zero, as in the segmentor."""
    gen = torch.Generator().manual_seed(seed)
    valid = torch.ones(clips, seconds, dtype=torch.bool)
    for row, length in zip(valid, lengths or []):
        row[length:] = False
    widths = [width] * 4 if isinstance(width, int) else width
    maps = [torch.randn(clips * seconds, c, size[0] // s, size[1] // s,
                        generator=gen) for c, s in zip(widths, STRIDES)]
    audio = torch.randn(clips, seconds, tokens, audio_width, generator=gen)
    features = AVFeatures(
        maps=maps, audio=audio * valid[:, :, None, None], valid=valid)
    features.maps = [x * features.frame_mask(x) for x in maps]
    return features


def take_clips(features, rows, seconds=None):
    """Features of some clips, in that order, cut to some seconds."""
    shape = features.valid.shape

    def pick(x):
        return x[rows][:, :seconds]

    maps = [pick(x.unflatten(0, shape)).flatten(0, 1) for x in features.maps]
    return AVFeatures(maps=maps, audio=pick(features.audio),
                      valid=pick(features.valid))


def make_sample(gt, label_valid=None):
    sample = AVSDataSample()
    sample.gt_sem_seg = gt
    if label_valid is not None:
        sample.label_valid = torch.tensor(label_valid)
    return sample


def wake(module, seed=0):
    """Give every parameter a random value, so that nothing starts at 0."""
    gen = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            noise = torch.randn(parameter.shape, generator=gen)
            fan_in = parameter[0].numel() if parameter.dim() > 1 else 100
            parameter.add_(noise / fan_in**0.5)
    return module


def assert_all_gradients(module, but=()):
    """Every parameter took part, apart from names that end like these."""
    without = [name for name, p in module.named_parameters()
               if p.grad is None or not p.grad.abs().sum() > 0]
    assert [name for name in without if not name.endswith(tuple(but))] == []


def close(found, expected, tolerance=1e-4):
    """Within a tolerance of the expected array's largest magnitude."""
    scale = expected.abs().max().clamp(min=1e-12)
    assert found.shape == expected.shape
    assert (found - expected).abs().max() <= tolerance * scale
