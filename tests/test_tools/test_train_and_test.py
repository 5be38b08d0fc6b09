# Copyright (c) OpenMMLab. All rights reserved.
import json
import pickle

import numpy as np
import pytest
from PIL import Image


def error_line(done):
    """The message of a program that failed as it should."""
    assert done.returncode == 1, done.stdout + done.stderr
    assert 'Traceback' not in done.stderr
    (line, ) = [line for line in done.stderr.splitlines()
                if line.startswith('error: ')]
    return line


def test_training_leaves_checkpoint_and_log(trained):
    assert (trained / 'epoch_1.pth').is_file()
    assert list(trained.glob('best_avsbench_J_epoch_1.pth'))
    assert list(trained.glob('*/*.log'))
    assert (trained / 'tiny.py').is_file()


def test_resume_auto_goes_on(trained, tiny, run_tool):
    done = run_tool('train.py', tiny.config, '--work-dir', trained,
                    '--resume', '--cfg-options', 'train_cfg.max_epochs=2',
                    '--no-validate')
    assert done.returncode == 0, done.stderr[-3000:]
    assert (trained / 'epoch_2.pth').is_file()


def test_metrics_and_masks(trained, tiny, run_tool, tmp_path):
    done = run_tool('test.py', tiny.config, trained / 'epoch_1.pth',
                    '--work-dir', tmp_path, '--out', tmp_path / 'masks',
                    '--dump', tmp_path / 'all.pkl',
                    '--show-dir', tmp_path / 'shown')
    assert done.returncode == 0, done.stderr[-3000:]
    written = json.loads((tmp_path / 'metrics_true.json').read_text())
    assert written['clips'] == 6
    assert 0 <= written['metrics']['avsbench/J'] <= 1
    assert f'{written["metrics"]["avsbench/J"]:.4f}' in done.stdout
    masks = sorted((tmp_path / 'masks').rglob('*.png'))
    assert len(masks) == 6 * 5
    picture = Image.open(masks[0])
    assert picture.mode == 'P'
    assert set(np.unique(np.asarray(picture))) <= {0, 1}
    assert len(list((tmp_path / 'shown').glob('*.png'))) == 6
    with open(tmp_path / 'all.pkl', 'rb') as file:
        assert len(pickle.load(file)) == 6


@pytest.mark.parametrize('audio', ['swapped', 'noise:5'])
def test_other_sound(trained, tiny, run_tool, tmp_path, audio):
    done = run_tool('test.py', tiny.config, trained / 'epoch_1.pth',
                    '--work-dir', tmp_path, '--audio', audio)
    assert done.returncode == 0, done.stderr[-3000:]
    name = f'metrics_{audio.replace(":", "-")}.json'
    assert json.loads((tmp_path / name).read_text())['audio'] == audio


def test_missing_files_are_named(run_tool, run_process, tiny):
    line = error_line(run_process('train.py', 'configs/nothing.py'))
    assert 'configs/nothing.py does not exist' in line
    line = error_line(run_tool('test.py', tiny.config, 'nothing.pth',
                               '--work-dir', tiny.root / 'w'))
    assert 'nothing.pth does not exist' in line


def test_missing_data_are_named(run_tool, tiny):
    line = error_line(run_tool(
        'train.py', tiny.config, '--work-dir', tiny.root / 'w',
        '--cfg-options', 'train_dataloader.dataset.data_root=no/such/folder'))
    assert 'no/such/folder' in line


def test_misspelt_argument_is_named(run_tool, tiny):
    line = error_line(run_tool(
        'train.py', tiny.config, '--work-dir', tiny.root / 'w',
        '--cfg-options', 'model.decode_head.channles=3'))
    assert 'channles' in line


def test_traceback_on_request(run_process):
    done = run_process('train.py', 'configs/nothing.py',
                    env=dict(MMAVS_TRACEBACK='1'))
    assert done.returncode == 1
    assert 'Traceback' in done.stderr


def test_wrong_command_line(run_tool, tiny):
    done = run_tool('test.py', tiny.config, 'x.pth', '--audio', 'loud')
    assert done.returncode == 2
    assert 'noise:SNR' in done.stderr


def test_print_config(run_tool, tiny):
    done = run_tool('misc/print_config.py', tiny.config, '--cfg-options',
                    'train_cfg.max_epochs=77')
    assert done.returncode == 0
    assert 'max_epochs=77' in done.stdout


@pytest.mark.parametrize('script', [
    'dist_train.sh', 'dist_test.sh', 'slurm_train.sh', 'slurm_test.sh'])
def test_scripts_say_how_they_are_used(run_process, script):
    done = run_process(script)
    assert done.returncode == 2
    assert 'usage:' in done.stderr


@pytest.mark.slow
def test_two_processes_train_and_test(tiny, run_process, tmp_path):
    done = run_process('dist_train.sh', tiny.config, 2, '--work-dir', tmp_path,
                    env=dict(PORT='29611'))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    checkpoint = tmp_path / 'epoch_1.pth'
    done = run_process('dist_test.sh', tiny.config, checkpoint, 2,
                    '--work-dir', tmp_path / 'two', env=dict(PORT='29612'))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    done = run_process('test.py', tiny.config, checkpoint,
                    '--work-dir', tmp_path / 'one')
    assert done.returncode == 0, done.stderr[-3000:]
    one, two = (json.loads((tmp_path / name / 'metrics_true.json')
                           .read_text())['metrics'] for name in ('one', 'two'))
    assert one == pytest.approx(two, abs=1e-6)
