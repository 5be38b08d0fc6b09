# Copyright (c) OpenMMLab. All rights reserved.
"""Converting released SelM checkpoints, without needing one.

The tensors are views of a single number, so that a file of 115 M parameters
takes a few kilobytes.
"""

import io
import json
import re
import runpy
import sys
from contextlib import redirect_stdout

import pytest
import torch

from mmavs.io.checkpoint import CheckpointError, load_checkpoint_file
from mmavs.io.converters.checkpoints import check_fit, save_model, sha256_of
from mmavs.io.converters.selm import (
    convert_selm,
    recognise_selm,
    rename_selm,
)

from ..test_parity.reference import parity_dir

VARIANTS = sorted(path.stem.removeprefix('manifest_')
                  for path in parity_dir().glob('manifest_selm_*.json'))
each_variant = pytest.mark.parametrize('variant', VARIANTS)


def released(variant):
    manifest = json.loads(
        (parity_dir() / f'manifest_{variant}.json').read_text())
    return {name: torch.zeros(1).expand(shape) if shape else torch.zeros(())
            for name, shape in manifest.items()}


@each_variant
def test_every_variant_is_recognised(variant):
    assert recognise_selm(released(variant)) == variant


@each_variant
def test_every_name_is_renamed_or_dropped(variant):
    weights = released(variant)
    result = convert_selm(weights)
    assert result.unknown == []
    dropped = [name for names in result.dropped.values() for name in names]
    assert sorted([*result.names, *dropped]) == sorted(weights)
    assert len(set(result.names.values())) == len(result.weights)
    for old, new in result.names.items():
        assert result.weights[new] is weights[old]


@each_variant
def test_what_never_runs_is_dropped(variant):
    result = convert_selm(released(variant))
    text = ' '.join(result.dropped)
    assert "CLEVER's audio attention" in text
    assert ('second branch' in text) == ('r50' in variant)
    size = sum(released(variant)[name].numel()
               for name in result.dropped[
                   "unused LayerNorm and MLP of CLEVER's audio attention"])
    assert size == 790_272


@pytest.mark.parametrize('old, new', [
    ('DAM_Fusion1.gate.2.weight', 'early_fusion.blocks.0.a2v.gate.2.weight'),
    ('encoder_backbone.DAM_Fusion4.audio_out_conv.0.bias',
     'early_fusion.blocks.3.v2a.out.bias'),
    ('encoder_backbone.patch_embed2.proj.weight',
     'backbone.model.stages.1.downsample.proj.weight'),
    ('resnet.layer3_1.5.bn2.running_var',
     'backbone.model.layer3.5.bn2.running_var'),
    ('tem_att.audio_encoder.2.layers.1.mamba_block.A_log',
     'neck.audio_gates.2.encoder.1.mamba.A_log'),
    ('BCSM.vis_linear.3.bias', 'neck.visual_gates.3.embed.bias'),
    ('decoder.cgattention2.norm_t.weight',
     'decode_head.layers.1.grouping.norm_tokens.weight'),
    ('decoder.cgattention2.norm.weight',
     'decode_head.layers.1.grouping.norm_out.weight'),
    ('decoder.layers.0.loadtoken.normq.weight',
     'decode_head.layers.0.audio_attn.norm_q.weight'),
    ('decoder.proj.vis.2.weight', 'decode_head.mask_head.out.weight'),
    ('in_proj4.1.weight', 'projector.layers.3.1.weight'),
    ('something.else', None),
])
def test_names(old, new):
    assert rename_selm(old) == new


def test_another_model_is_refused():
    with pytest.raises(CheckpointError,
                       match='not a released SelM checkpoint.*conv1.weight'):
        recognise_selm({'conv1.weight': torch.zeros(1)})


def test_a_misfit_lists_the_names():
    with pytest.raises(CheckpointError) as error:
        check_fit({'a': torch.zeros(1), 'b': torch.zeros(2)},
                  {'b': torch.zeros(3), 'c': torch.zeros(1)}, 'the weights')
    text = str(error.value)
    assert '1 missing: c' in text and '1 unexpected: a' in text
    assert 'b is (2,) and should be (3,)' in text


def test_written_files_say_where_they_come_from(tmp_path):
    source = tmp_path / 'released.pth'
    source.write_bytes(b'abc')
    save_model({'a': torch.ones(2).expand(3, 2)}, tmp_path / 'ours.pth',
               config='selm_x', source=source)
    checkpoint = load_checkpoint_file(tmp_path / 'ours.pth')
    assert torch.equal(checkpoint['state_dict']['a'], torch.ones(3, 2))
    meta = checkpoint['meta']
    assert meta['config'] == 'selm_x' and meta['source'] == 'released.pth'
    assert meta['source_sha256'] == sha256_of(source)


@pytest.fixture
def convert(repo_dir, monkeypatch):
    """Run the program in this process; return exit code and output."""
    def run(*args):
        script = repo_dir / 'tools' / 'model_converters' / 'selm_to_mmavs.py'
        monkeypatch.setattr(sys, 'argv', [str(script), *map(str, args)])
        with redirect_stdout(io.StringIO()) as text, pytest.raises(
                SystemExit) as stop:
            runpy.run_path(str(script), run_name='__main__')
        return stop.value.code, text.getvalue()

    return run


@pytest.mark.slow
def test_program(convert, tmp_path, repo_dir):
    """From file to file, and into the model, strictly."""
    from mmavs.apis import init_model
    source, target = tmp_path / 'released.pth', tmp_path / 'ours.pth'
    weights = {f'module.{name}': value
               for name, value in released('selm_r50_s4').items()}
    torch.save(weights, source)
    assert source.stat().st_size < 1 << 20
    code, text = convert(source, target, '--model', 'selm_r50_s4')
    assert code == 0
    assert 'is selm_r50_s4' in text and 'second branch of ResNet' in text
    meta = load_checkpoint_file(target)['meta']
    assert meta['config'] == 'selm_r50_s4'
    model = init_model(
        repo_dir / 'configs' / 'selm' / 'selm_r50_s4.py', target,
        cfg_options={'model.audio_encoder.init_cfg': None,
                     'model.audio_encoder.allow_random': True})
    assert not model.decode_head.tokens.weight.any()


def test_program_refuses_what_does_not_fit(convert, tmp_path, capsys):
    source, target = tmp_path / 'released.pth', tmp_path / 'ours.pth'
    weights = released('selm_r50_s4')
    del weights['decoder.tokens.weight']
    weights['extra.weight'] = torch.zeros(1)
    torch.save(weights, source)
    code, _ = convert(source, target)
    error = capsys.readouterr().err
    assert code == 1 and not target.exists()
    assert re.search(r'missing: decode_head\.tokens\.weight', error)
    assert 'unexpected: extra.weight' in error


def test_program_refuses_a_missing_file(convert, tmp_path, capsys):
    code, _ = convert(tmp_path / 'no.pth', tmp_path / 'ours.pth')
    assert code == 1 and 'no.pth does not exist' in capsys.readouterr().err
