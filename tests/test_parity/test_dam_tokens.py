# Copyright (c) OpenMMLab. All rights reserved.
"""One DAM block with four audio tokens, where both directions are alive."""

import pytest
import torch

from mmavs.io.converters.selm import convert_selm
from mmavs.models.necks import DAMBlock

from .reference import draw_weights, read_case, read_manifest, relative_error


@pytest.fixture(scope='module')
def outputs():
    _, arrays = read_case('dam64_tokens')
    released = {f'DAM_Fusion1.{name}': value for name, value in draw_weights(
        read_manifest('dam64')).items()}
    result = convert_selm(released)
    assert not result.unknown and not result.dropped
    prefix = 'early_fusion.blocks.0.'
    block = DAMBlock(64, 256).eval()
    block.load_state_dict({name.removeprefix(prefix): value
                           for name, value in result.weights.items()})
    x = torch.tensor(arrays['x'], requires_grad=True)
    audio = torch.tensor(arrays['audio'], requires_grad=True)
    mask = torch.tensor(arrays['mask'])[..., 0]
    y, heard = block(x, audio.transpose(1, 2), mask)
    heard = heard.transpose(1, 2)
    (y.square().mean() + heard.square().mean()).backward()
    return arrays, dict(visual_out=y, audio_out=heard, x_grad=x.grad,
                        audio_grad=audio.grad)


@pytest.mark.parametrize(
    'name', ['visual_out', 'audio_out', 'x_grad', 'audio_grad'])
def test_dam_with_four_tokens(outputs, name):
    arrays, found = outputs
    error = relative_error(found[name].detach().numpy(), arrays[name])
    assert error < 1e-3
