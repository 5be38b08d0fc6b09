# Copyright (c) OpenMMLab. All rights reserved.
"""No way into the toolbox executes what a file contains.

Two attacks on every door: a pickle that runs a command, and a sound
checkpoint whose stored config text would run one if it were evaluated.
"""

import os
import pickle
import shutil

import pytest
import torch

from mmavs.apis import AVSInferencer, get_model, init_model
from mmavs.datasets.errors import ClipError
from mmavs.datasets.transforms import LoadClipAudio
from mmavs.io.checkpoint import UNSAFE_ENV, CheckpointError


class Payload:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker), )


@pytest.fixture
def marker(tmp_path):
    return tmp_path / 'executed'


@pytest.fixture
def unsafe(tmp_path, trained, marker):
    """The checkpoint of a training, with a command in its pickle."""
    state = torch.load(trained / 'epoch_1.pth', weights_only=False)
    state['meta']['hook'] = Payload(marker)
    torch.save(state, tmp_path / 'unsafe.pth')
    return tmp_path / 'unsafe.pth'


@pytest.fixture
def text(tmp_path, trained, marker):
    """The same, with a command in the text of its config."""
    code = f'import os\nos.mkdir({str(marker)!r})\n'
    state = torch.load(trained / 'epoch_1.pth', weights_only=False)
    state['meta'].update(cfg=code, config=code)
    torch.save(state, tmp_path / 'text.pth')
    return tmp_path / 'text.pth'


def train(*options):
    def door(path, tiny, run_tool):
        return run_tool('train.py', tiny.config, '--work-dir',
                        path.parent / 'work', '--no-validate',
                        *(option.format(path=path) for option in options))
    return door


def initialise(key, *options):
    return train('--cfg-options', f'{key}.init_cfg.type=Pretrained',
                 f'{key}.init_cfg.checkpoint={{path}}',
                 'train_cfg.max_epochs=0', *options)


def resume_auto(path, tiny, run_tool):
    work = path.parent / 'work'
    work.mkdir()
    shutil.copy(path, work / 'epoch_1.pth')
    return train('--resume')(path, tiny, run_tool)


def use(program, *options):
    def door(path, tiny, run_tool):
        values = dict(path=path, out=path.parent / 'out.pth',
                      config=tiny.config, work=path.parent / 'work')
        return run_tool(program, *(option.format(**values)
                                   for option in options))
    return door


CONVERT = 'model_converters/{}_to_mmavs.py'
DOORS = dict(
    resume=train('--resume', '{path}'),
    resume_auto=resume_auto,
    load_from=train('--cfg-options', 'load_from={path}',
                    'train_cfg.max_epochs=0'),
    init_model=initialise('model'),
    init_backbone=initialise('model.backbone',
                             'model.backbone.init_cfg._delete_=True'),
    init_audio=initialise('model.audio_encoder'),
    test=use('test.py', '{config}', '{path}', '--work-dir', '{work}'),
    convert_pvt=use(CONVERT.format('pvt_v2'), '{path}', '{out}'),
    convert_resnet=use(CONVERT.format('resnet'), '{path}', '{out}'),
    convert_selm=use(CONVERT.format('selm'), '{path}', '{out}'),
    convert_vggish=use(CONVERT.format('vggish'), '{path}', '{out}'),
    publish=use('misc/publish_model.py', '{path}', '{out}'),
)
# The text is no config of theirs, so that they go on as if it were not there.
GOES_ON = ('resume', 'resume_auto', 'load_from', 'test')


@pytest.mark.parametrize('name', DOORS)
def test_pickled_code_is_refused(name, unsafe, marker, tiny, run_tool):
    done = DOORS[name](unsafe, tiny, run_tool)
    assert not marker.exists()
    assert done.returncode == 1, done.stdout + done.stderr
    line, = (line for line in done.stderr.splitlines()
             if line.startswith('error: '))
    if name == 'resume_auto':
        assert 'none of the 1 checkpoints' in line
    else:
        assert str(unsafe) in line and 'would execute code' in line
        assert f'{UNSAFE_ENV}=1' in line


@pytest.mark.parametrize('name', DOORS)
def test_config_text_is_not_evaluated(name, text, marker, tiny, run_tool):
    done = DOORS[name](text, tiny, run_tool)
    assert not marker.exists()
    if name in GOES_ON:
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize('door', [init_model, get_model, AVSInferencer])
def test_python_doors(door, unsafe, text, marker, tiny):
    with pytest.raises(CheckpointError, match='unsafe.pth was refused'):
        door(str(tiny.config), str(unsafe))
    door(str(tiny.config), str(text))
    assert not marker.exists()


@pytest.mark.parametrize('runner', ['Runner', 'FlexibleRunner'])
def test_a_runner_that_evaluates_text_does_not_resume(
        runner, text, marker, tiny, run_tool):
    done = train('--resume', '{path}', '--cfg-options',
                 f'runner_type={runner}')(text, tiny, run_tool)
    assert done.returncode == 1 and 'AVSRunner' in done.stderr
    assert not marker.exists()


def test_log_mel_pickles(tmp_path, tiny, marker, run_tool):
    root = tmp_path / 'data'
    shutil.copytree(tiny.root / 'data' / 'Multi-sources', root)
    for wav in root.glob('ms3_data/audio_wav/*/*.wav'):
        victim = root / 'ms3_data' / 'audio_log_mel' / wav.parent.name / (
            f'{wav.stem}.pkl')
        victim.parent.mkdir(parents=True, exist_ok=True)
        victim.write_bytes(pickle.dumps(Payload(marker), protocol=4))
    with pytest.raises(ClipError, match='broken or unsafe'):
        LoadClipAudio().transform(dict(
            clip_id=victim.stem, num_seconds=5, log_mel_path=str(victim)))
    done = run_tool('dataset_converters/check_avsbench.py', root)
    assert done.returncode == 1 and 'log_mel' in done.stdout
    done = run_tool(
        'train.py', tiny.config, '--work-dir', tmp_path / 'work',
        '--no-validate', '--cfg-options', 'train_dataloader.dataset.'
        f'data_root={root}', 'train_dataloader.dataset.audio_type=log_mel')
    assert done.returncode == 1 and 'broken or unsafe' in done.stderr
    assert not marker.exists()


def test_opting_in_is_explicit_and_says_so(unsafe, marker, tiny, run_tool,
                                           monkeypatch, recwarn):
    monkeypatch.setenv(UNSAFE_ENV, '1')
    done = DOORS['test'](unsafe, tiny, run_tool)
    assert done.returncode == 0 and marker.exists()
    assert any('will run' in str(warning.message) for warning in recwarn)
