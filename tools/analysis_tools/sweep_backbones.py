# Copyright (c) OpenMMLab. All rights reserved.
"""Try SelM on every timm model and write docs/en/backbones.md.

Models are built and run on PyTorch's meta device: shapes are exact, no
memory is used and no number is computed. ``--numeric`` also compares the
smallest model of every family with timm's own features, in numbers.
"""

import argparse
import random
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import timm
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmavs.io.atomic import atomic_write
from mmavs.models.backbones import TimmBackbone
from mmavs.models.backbones.timm_replay import check_name, family
from mmavs.registry import MODELS
from mmavs.utils.command_line import run_program

REPO = Path(__file__).resolve().parents[2]
SIZE = 128
TOKEN_CHANNELS = 64
STRIDES = (4, 8, 16, 32)


@dataclass
class Result:
    """What became of one timm model.

    Attributes:
        name (str): timm's name.
        family (str): timm's module.
        reason (str): Why it does not work; '' if it does.
        size (int): Side of the frames it ran on.
        any_size (bool): Whether it runs on others than its native size.
        parameters (int): Of the backbone.
    """

    name: str
    family: str
    reason: str = ''
    size: int = 0
    any_size: bool = True
    parameters: int = 0


def selm(backbone) -> torch.nn.Module:
    """SelM with narrow tokens; the sound comes as embeddings."""
    model = Config.fromfile(
        REPO / 'configs/_base_/models/selm_r50.py').model
    model.audio_encoder = None
    model.audio_projector.update(
        in_channels=128, out_channels=TOKEN_CHANNELS)
    model.projector.out_channels = TOKEN_CHANNELS
    model.backbone = backbone
    return MODELS.build(model)


def run_selm(backbone: TimmBackbone, size: tuple[int, int]) -> None:
    """Run SelM on one clip of one second.

    Raises:
        ValueError: If the maps or the logits are not what they should be.
    """
    model = selm(backbone).eval()
    inputs = dict(frames=torch.empty(1, 1, 3, *size),
                  valid=torch.ones(1, 1, dtype=torch.bool),
                  audio_embedding=torch.empty(1, 1, 1, 128))
    with torch.no_grad():
        maps = backbone(inputs['frames'].flatten(0, 1))
        for x, width, stride in zip(maps, backbone.out_channels, STRIDES,
                                    strict=True):
            wanted = (1, width, size[0] // stride, size[1] // stride)
            if tuple(x.shape) != wanted:
                raise ValueError(f'a map at stride {stride} has shape '
                                 f'{tuple(x.shape)}, not {wanted}')
        logits = model(inputs)['logits']
    if tuple(logits.shape) != (1, 1, *size):
        raise ValueError(f'logits of shape {tuple(logits.shape)}')


def try_model(name: str) -> Result:
    """Build and run SelM on one timm model, on the meta device."""
    result = Result(name, family(name))
    try:
        with torch.device('meta'):
            backbone = TimmBackbone(name)
            result.parameters = sum(
                value.numel() for value in backbone.parameters())
            small = backbone.input_size or (SIZE, SIZE)
            result.any_size = backbone.input_size is None
            try:
                run_selm(backbone, small)
            except ValueError:
                if small == backbone.native_size:
                    raise
                small, result.any_size = backbone.native_size, False
                run_selm(backbone, small)
            result.size = small[0]
    except (ValueError, RuntimeError, TypeError, IndexError) as error:
        result.reason = f'{type(error).__name__}: ' \
            f'{" ".join(str(error).split())}'
    return result


def compare_numbers(name: str) -> float:
    """Largest relative difference from timm's own features."""
    torch.manual_seed(0)
    ours = TimmBackbone(name).eval()
    torch.manual_seed(0)
    theirs = timm.create_model(name, features_only=True, **ours._args).eval()
    strides = theirs.feature_info.reduction()
    frames = torch.randn(1, 3, *(ours.input_size or ours.native_size))
    with torch.no_grad():
        maps, expected = ours(frames), theirs(frames)
    worst = 0.
    for x, stride in zip(maps, STRIDES, strict=True):
        y = expected[len(strides) - 1 - strides[::-1].index(stride)]
        if 'NHWC' in str(getattr(theirs, 'output_fmt', '')):
            y = y.permute(0, 3, 1, 2)
        worst = max(worst, float((x - y).abs().max() / y.abs().max()))
    return worst


def short_reason(reason: str) -> str:
    """A reason that is the same for models of one kind."""
    for text, short in (
            ('has no maps at strides', 'no maps at the four strides'),
            ('as a whole', 'timm runs it as a whole, so nothing can come '
             'between its stages'),
            ('hand on several maps', 'its stages hand on several maps'),
            ('a map at stride', 'unpadded convolutions: its maps have odd '
             'sizes'),
            ('has no features', 'timm extracts no features')):
        if text in reason:
            return short
    return reason


def write_page(results: list[Result], numbers: dict[str, float],
               path: Path) -> None:
    """Write the page for the documentation."""
    good, bad = defaultdict(list), defaultdict(Counter)
    for result in results:
        if result.reason:
            bad[result.family][short_reason(result.reason)] += 1
        else:
            good[result.family].append(result)
    count = sum(map(len, good.values()))
    lines = [
        '# Backbones', '',
        f'SelM was built and run on every model of timm {timm.__version__}: '
        f'**{count} of {len(results)}** work, from {len(good)} families. '
        'Any of them goes into a config by name:', '',
        '```python',
        "_base_ = './selm_pvt_ms3.py'",
        'model = dict(backbone=dict(',
        "    _delete_=True, type='TimmBackbone', "
        "model_name='convnext_tiny', pretrained=True))",
        '```', '',
        'What it takes is maps at strides 4, 8, 16 and 32 and modules that '
        'run one after the other. This page is written by '
        '`tools/analysis_tools/sweep_backbones.py`, which builds SelM with '
        f'tokens of {TOKEN_CHANNELS} channels around each model on '
        "PyTorch's meta device, where shapes are exact and nothing is "
        'computed.']
    if numbers:
        lines.append(
            f'The smallest model of each of {len(numbers)} families was also '
            "compared with timm's own features in numbers: the largest "
            f'relative difference is {max(numbers.values()):.1e}.')
    lines += [
        '', 'MMSegmentation\'s ResNets fit as well: `dict(type='
        "'MMSegBackbone', cfg=dict(type='mmseg.ResNet', depth=50))`.", '',
        '## What works', '',
        'Models marked * take frames of one size only; most of them accept '
        '`timm_args=dict(img_size=...)`.', '',
        '| family | models | names |', '|---|---|---|']
    for name in sorted(good):
        names = ', '.join(
            f'`{r.name}`' + ('' if r.any_size else '\\*')
            for r in good[name])
        lines.append(f'| {name} | {len(good[name])} | {names} |')
    lines += ['', '## What does not, and why', '',
              '| family | models | reason |', '|---|---|---|']
    lines += [f'| {name} | {number} | {reason} |'
              for name in sorted(bad)
              for reason, number in sorted(bad[name].items())]
    with atomic_write(path, mode='w') as file:
        file.write('\n'.join(lines) + '\n')


def main() -> None:
    parser = argparse.ArgumentParser(
        description='Try SelM on every timm model')
    parser.add_argument('--out', default=str(REPO / 'docs/en/backbones.md'),
                        help='page to write; Defaults to docs/en/backbones.md')
    parser.add_argument('--names', nargs='+', help='only these models')
    parser.add_argument('--sample', type=int, help='only so many, at random')
    parser.add_argument('--numeric', action='store_true',
                        help='compare one model per family in numbers')
    args = parser.parse_args()
    init_default_scope('mmavs')
    torch.set_num_threads(1)
    names = args.names or timm.list_models()
    for name in names:
        check_name(name)
    if args.sample:
        names = sorted(random.Random(0).sample(names, args.sample))
    results = []
    for index, name in enumerate(names):
        results.append(try_model(name))
        outcome = results[-1].reason or 'works'
        print(f'[{index + 1}/{len(names)}] {name}: {outcome}', flush=True)
    numbers = {}
    if args.numeric:
        smallest = {}
        for result in sorted(results, key=lambda r: -r.parameters):
            if not result.reason:
                smallest[result.family] = result.name
        for name in smallest.values():
            numbers[name] = compare_numbers(name)
            print(f'{name}: {numbers[name]:.1e}', flush=True)
    write_page(results, numbers, Path(args.out))
    print(f'{sum(not r.reason for r in results)} of {len(results)} work; '
          f'wrote {args.out}')


if __name__ == '__main__':
    run_program(main)
