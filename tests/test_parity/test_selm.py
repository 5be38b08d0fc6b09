# Copyright (c) OpenMMLab. All rights reserved.
"""The shipped SelM configs against the released networks.

Each model is built from its config and filled through the converter. A case
is a file ``selm_{r50,pvt}_{s4,ms3,avss}*.json`` with arrays beside it.
"""

import re
from collections import defaultdict
from functools import cache

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmavs.io.converters.selm import convert_selm, recognise_selm
from mmavs.registry import MODELS
from mmavs.structures import AVSDataSample

from .reference import (
    REPO,
    draw_clip,
    draw_weights,
    parity_dir,
    read_case,
    read_manifest,
    relative_error,
    thin_out,
)

VARIANT = re.compile(r'selm_(r50|pvt)_(s4|ms3|avss)')
CHEAP = 'selm_r50_s4'
LOSSES = {'loss_dice': 'iou_loss', 'loss_ce': 'iou_loss',
          'loss_bce': 'bce_loss', 'loss_heatmap': 'hitmap_loss'}
CASES = sorted(path.stem for path in parity_dir().glob('selm_*.json')
               if VARIANT.match(path.stem))

each_case = pytest.mark.parametrize('case', [
    pytest.param(name, marks=() if name == CHEAP else pytest.mark.slow)
    for name in CASES])


@cache
def shipped_config(variant):
    return Config.fromfile(REPO / 'configs' / 'selm' / f'{variant}.py')


def build_model(variant):
    """The model of a shipped config, filled through the converter."""
    init_default_scope('mmavs')
    cfg = shipped_config(variant).model.copy()
    # the reference gives embeddings; VGGish's file is not needed
    cfg.audio_encoder.update(init_cfg=None, allow_random=True)
    model = MODELS.build(cfg).eval()
    released = draw_weights(read_manifest(variant))
    assert recognise_selm(released) == variant
    result = convert_selm(released)
    assert not result.unknown
    model.load_state_dict(result.weights, strict=True)
    # Gradient checkpointing, to need half the memory at 448. It looks at
    # this flag; the layers themselves stay in eval mode.
    model.backbone.with_cp = model.backbone.training = True
    return model, result.names


def run_model(case):
    """Outputs of every stage, losses and gradient norms of a case."""
    variant = VARIANT.match(case)[0]
    setting = variant.split('_')[-1]
    expected, arrays = read_case(case)
    model, names = build_model(variant)
    seconds, size, num_classes = input_shape(variant)
    clip = draw_clip(expected['seed'], seconds, size, num_classes)
    found = watch(model)

    inputs = dict(frames=clip['frames'][None],
                  audio_embedding=clip['audio'][None],
                  valid=torch.ones(1, seconds, dtype=torch.bool))
    features = model.encode(inputs)
    outputs = model.decode_head(features)
    found['logits'] = thin_out(outputs['logits'])
    for index, heat in enumerate(outputs['heatmaps']):
        found[f'heat{index + 1}'] = thin_out(heat)
    sample = AVSDataSample()
    sample.gt_sem_seg = clip['masks']
    sample.label_valid = torch.ones(seconds, dtype=torch.bool)
    if setting == 's4':
        sample.label_valid[1:] = False
    losses = model.decode_head.loss_by_feat(outputs, features, [sample])
    sum(losses.values()).backward()
    return dict(expected=expected, arrays=arrays, found=found,
                losses={k: v.item() for k, v in losses.items()},
                grad_norms=gradient_norms(model, names))


def input_shape(variant):
    """Seconds, side and classes, as the config and its data set say."""
    cfg = shipped_config(variant)
    size = next(step['size'] for step in cfg.test_dataloader.dataset.pipeline
                if step['type'] in ('ResizeFrames', 'AVSSCrop'))
    head = cfg.model.decode_head
    seconds = cfg.model.data_preprocessor.get('pad_to') or 5
    return seconds, size, head.num_classes


def watch(model):
    """Record what DAM and BCSM return."""
    found = {}
    fuse = model.early_fusion.fuse

    def fuse_and_record(stage, x, audio, valid):
        x, audio = fuse(stage, x, audio, valid)
        found[f'dam{stage + 1}.visual'] = thin_out(x)
        found[f'dam{stage + 1}.audio'] = tokens(audio)
        return x, audio

    def record(module, args, features):
        for index, x in enumerate(features.maps):
            found[f'bcsm.visual{index + 1}'] = thin_out(x)
        found['bcsm.audio'] = tokens(features.audio)

    model.early_fusion.fuse = fuse_and_record
    model.neck.register_forward_hook(record)
    return found


def tokens(audio):
    """(1, T, N, D) as the reference has it, (T, D, N)."""
    return audio[0].transpose(1, 2).detach().numpy()


def gradient_norms(model, names):
    """By top-level module of the released code."""
    released = {ours: name for name, ours in names.items()}
    squares = defaultdict(float)
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            top = released[name].split('.')[0]
            squares[top] += parameter.grad.double().square().sum().item()
    return {top: square**0.5 for top, square in squares.items()}


def changed_heat(run):
    """Number of pixels that chose another token, and of all pixels."""
    pairs = [(run['found'][key], run['arrays'][key])
             for key in run['arrays'] if key.startswith('heat')]
    return [(int((found.round() != expected.round()).any(axis=1).sum()),
             expected[:, 0].size) for found, expected in pairs]


@each_case
def test_every_stage_loss_and_gradient(case):
    run = run_model(case)
    for key, expected in run['arrays'].items():
        if key.startswith('heat'):
            continue
        tolerance = 1e-3
        if key == 'logits' and any(n for n, _ in changed_heat(run)):
            tolerance = 1e-2  # a pixel on the fence chose the other token
        error = relative_error(run['found'][key], expected)
        assert error < tolerance, f'{key}: {error}'
    for changed, total in changed_heat(run):
        assert changed <= max(2, 1e-3 * total)

    expected = run['expected']
    for name, value in run['losses'].items():
        assert value == pytest.approx(
            expected['parts'][LOSSES[name]], rel=1e-3), name
    assert {LOSSES[name] for name in run['losses']} == set(expected['parts'])
    assert sum(run['losses'].values()) == pytest.approx(
        expected['total_loss'], rel=1e-3)
    for module, norm in expected['grad_norms'].items():
        assert run['grad_norms'][module] == pytest.approx(
            norm, rel=1e-2), module


@each_case
def test_size_of_the_released_file(case):
    """Ours and what is dropped make up the released parameters."""
    manifest = read_manifest(VARIANT.match(case)[0])
    count = sum(
        int(np.prod(shape)) for name, shape in manifest.items()
        if not name.endswith(('running_mean', 'running_var', 'tracked')))
    expected, _ = read_case(case)
    assert count / 1e6 == pytest.approx(expected['params_million'], abs=1e-6)


def test_there_are_cases():
    assert CHEAP in CASES
