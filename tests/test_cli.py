# Copyright (c) OpenMMLab. All rights reserved.
import re
import runpy
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from mmavs import __version__, cli
from mmavs.apis import init_model
from mmavs.apis.inference.outputs import OUTPUTS
from mmavs.video.writer import write_video

CONFIG = 'configs/film_fpn/film-fpn_tiny_synthetic.py'


def run(*arguments):
    """Call the command and return its exit code."""
    with pytest.raises(SystemExit) as stopped:
        cli.main([str(argument) for argument in arguments])
    return stopped.value.code


@pytest.fixture
def video(tmp_path):
    frames = (np.full((32, 48, 3), 10 * i, np.uint8) for i in range(8))
    write_video(tmp_path / 'a.mp4', frames, 4, sample_rate=16000,
                audio=np.zeros(32000, np.float32))
    return tmp_path / 'a.mp4'


def test_help_names_every_command(capsys):
    assert run('--help') == 0
    text = capsys.readouterr().out
    for name in ('infer', 'list-models', *cli.DOORS):
        assert re.search(rf'^ +{name}\b', text, re.MULTILINE)
    assert run('--version') == 0
    assert __version__ in capsys.readouterr().out
    assert cli.OUTPUTS == OUTPUTS


@pytest.mark.parametrize('name', cli.DOORS)
def test_doors_lead_to_programs(name, capsys):
    assert run(name, '--help') == 0
    assert f'usage: mmavs {name}' in capsys.readouterr().out


def test_infer(video, repo_dir, tmp_path, capsys):
    assert run('infer', video, '--model', repo_dir / CONFIG, '--device',
               'cpu', '--out-dir', tmp_path / 'out', '--outputs', 'video',
               'masks', '--quiet') == 0
    assert 'a: 2 masks' in capsys.readouterr().out
    assert sorted(p.name for p in (tmp_path / 'out').iterdir()) == [
        '.a.run.json', 'a.mp4', 'a_masks']


def test_infer_with_changes_to_the_config(video, repo_dir, tmp_path,
                                          capsys):
    arguments = ['infer', video, '--model', repo_dir / CONFIG, '--device',
                 'cpu', '--out-dir', tmp_path / 'out', '--outputs', 'masks',
                 '--quiet', '--cfg-options']
    assert run(*arguments, 'model.decode_head.type=NoHead') == 1
    assert 'NoHead' in capsys.readouterr().err
    # A frozen encoder whose weights nobody brought along.
    assert run(*arguments, 'model.audio_encoder.frozen=True',
               'model.audio_encoder.init_cfg.type=Pretrained',
               'model.audio_encoder.init_cfg.checkpoint=none.pth') == 1
    assert 'frozen audio encoder were not loaded' in capsys.readouterr().err


def test_infer_frames_with_a_wav(repo_dir, tmp_path, capsys):
    folder = tmp_path / 'frames'
    folder.mkdir()
    Image.new('RGB', (48, 32)).save(folder / '1.png')
    assert run('infer', folder, '--wav', tmp_path / 'no.wav', '--model',
               repo_dir / CONFIG, '--device', 'cpu') == 1
    assert 'no.wav' in capsys.readouterr().err
    assert run('infer', folder, folder, '--wav', 'a.wav', '--model',
               repo_dir / CONFIG) == 1
    assert 'one folder of frames' in capsys.readouterr().err


def test_list_models(capsys):
    assert run('list-models', 'selm_pvt*') == 0
    names = capsys.readouterr().out.split()
    assert 'selm_pvt_ms3' in names
    assert all(name.startswith('selm_pvt') for name in names)
    assert run('list-models', 'nothing*') == 1
    assert "'nothing*'" in capsys.readouterr().err


@pytest.mark.parametrize('arguments,code,message', [
    ((), 2, 'COMMAND'),
    (('fly', ), 2, 'invalid choice'),
    (('infer', 'a.mp4'), 2, '--model'),
    (('infer', 'nix.mp4', '--model', CONFIG), 1, 'nix.mp4'),
    (('infer', 'a.mp4', '--model', 'nobody'), 1, "no model 'nobody'"),
    (('infer', 'a.mp4', '--model', 'nix.py'), 1, 'nix.py does not exist'),
    (('check-data', 'nowhere'), 1, 'nowhere')])
def test_errors_are_one_line(arguments, code, message, repo_dir, monkeypatch,
                             capsys):
    monkeypatch.chdir(repo_dir)
    monkeypatch.delenv('MMAVS_TRACEBACK', raising=False)
    assert run(*arguments) == code
    error = capsys.readouterr().err
    assert message in error and 'Traceback' not in error


def test_video_demo(video, repo_dir, tmp_path, monkeypatch, capsys):
    script = str(repo_dir / 'demo' / 'video_demo.py')
    monkeypatch.setattr(sys, 'argv', [
        script, str(video), str(repo_dir / CONFIG), '--device', 'cpu',
        '--out-dir', str(tmp_path / 'out')])
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(script, run_name='__main__')
    assert stopped.value.code == 0
    assert f'video: {tmp_path}/out/a.mp4' in capsys.readouterr().out


def test_compare(video, repo_dir, tmp_path, capsys):
    checkpoint = tmp_path / 'tiny.pth'
    model = init_model(repo_dir / CONFIG)
    torch.save(dict(state_dict=model.state_dict()), checkpoint)
    one = ['--model', repo_dir / CONFIG, checkpoint]
    assert run('compare', video, *one, *one, '--device', 'cpu') == 1
    assert 'give --labels' in capsys.readouterr().err
    assert run('compare', video, *one, *one, '--labels', 'a', 'b',
               '--device', 'cpu', '--out-dir', tmp_path / 'out') == 0
    assert 'a_compared.mp4' in capsys.readouterr().out
    assert (tmp_path / 'out' / 'a_compared_000.png').is_file()
