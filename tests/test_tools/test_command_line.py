# Copyright (c) OpenMMLab. All rights reserved.
import importlib.util
import sys

import pytest
from mmengine.config import Config

from mmavs.utils.command_line import one_line, run_program
from mmavs.utils.config import datasets_of, use_amp


@pytest.fixture
def parse(repo_dir, monkeypatch):
    """Apply a command line of ``tools/NAME.py`` to a config."""
    def apply(name, cfg, *args):
        spec = importlib.util.spec_from_file_location(
            f'tool_{name}', repo_dir / 'tools' / f'{name}.py')
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        monkeypatch.setattr(sys, 'argv', [name, 'folder/name.py', *args])
        return module.apply_args(cfg, module.parse_args())
    return apply


@pytest.fixture
def cfg(tmp_path):
    (tmp_path / 'name.py').touch()
    loader = dict(batch_size=2, pin_memory=True,
                  dataset=dict(type='X', data_root='d'))
    return Config(dict(
        optim_wrapper=dict(type='OptimWrapper', optimizer=dict(lr=1)),
        train_dataloader=loader, val_dataloader=loader, val_cfg=dict(),
        test_dataloader=loader, test_evaluator=dict(type='M'),
        default_hooks=dict(checkpoint=dict(save_best='a'),
                           visualization=dict(type='V')),
        auto_scale_lr=dict(base_batch_size=4), randomness=dict(seed=1)),
        filename=str(tmp_path / 'name.py'))


def test_train_options(parse, cfg):
    out = parse('train', cfg, '--amp', '--seed', '5', '--no-validate',
                '--auto-scale-lr', '--deterministic', '--diff-rank-seed',
                '--no-pin-memory', '--no-persistent-workers')
    assert out.work_dir.endswith('work_dirs/name')
    assert out.optim_wrapper.type == 'AVSAmpOptimWrapper'
    assert out.optim_wrapper.dtype == 'bfloat16'
    assert out.randomness == dict(seed=5, deterministic=True,
                                  diff_rank_seed=True)
    assert out.val_cfg is None
    assert 'save_best' not in out.default_hooks.checkpoint
    assert out.auto_scale_lr.enable
    assert out.train_dataloader.pin_memory is False
    assert out.train_dataloader.persistent_workers is False


@pytest.mark.parametrize('args, resume, load_from', [
    ((), None, None), (('--resume', ), 'auto', None),
    (('--resume', 'auto'), 'auto', None),
    (('--resume', 'a.pth'), True, 'a.pth')])
def test_resume(parse, cfg, args, resume, load_from):
    out = parse('train', cfg, *args)
    assert out.get('resume') == resume
    assert out.get('load_from') == load_from


def test_cfg_options_win(parse, cfg):
    out = parse('train', cfg, '--seed', '5', '--cfg-options',
                'randomness.seed=6', 'work_dir=here')
    assert out.randomness.seed == 6
    assert out.work_dir == 'here'


def test_work_dir_order(parse, cfg):
    cfg.work_dir = 'from/config'
    assert parse('train', cfg).work_dir == 'from/config'
    assert parse('train', cfg, '--work-dir', 'mine').work_dir == 'mine'


def test_auto_scale_lr_needs_a_base(parse, cfg):
    cfg.auto_scale_lr = None
    with pytest.raises(ValueError, match='base_batch_size'):
        parse('train', cfg, '--auto-scale-lr')


def test_test_options(parse, cfg):
    out = parse('test', cfg, 'c.pth', '--audio', 'noise:5', '--show-dir', 's',
                '--dump', 'x.pkl', '--out', 'o')
    assert (out.load_from, out.resume) == ('c.pth', False)
    assert out.test_dataloader.dataset.audio_mode == 'noise:5'
    assert out.default_hooks.visualization.draw
    assert out.default_hooks.visualization.test_out_dir == 's'
    assert [m['type'] for m in out.test_evaluator] == ['M', 'DumpResults']
    assert out.custom_hooks[0]['out_dir'] == 'o'


def test_show_needs_its_hook(parse, cfg):
    cfg.default_hooks.pop('visualization')
    with pytest.raises(ValueError, match='visualization'):
        parse('test', cfg, 'c.pth', '--show-dir', 's')


def test_tta_needs_its_config(parse, cfg):
    with pytest.raises(ValueError, match='tta_pipeline'):
        parse('test', cfg, 'c.pth', '--tta')


def test_datasets_inside_wrappers():
    inner = [dict(type='A'), dict(type='B')]
    wrapped = dict(dataset=dict(datasets=inner))
    assert list(datasets_of(wrapped)) == inner


def test_amp_does_not_replace_foreign_wrappers():
    cfg = Config(dict(optim_wrapper=dict(type='MyWrapper')))
    with pytest.raises(ValueError, match='MyWrapper'):
        use_amp(cfg, 'bfloat16')


@pytest.mark.parametrize('error, code, text', [
    (ValueError('a\n  b'), 1, 'error: a b'),
    (KeyError('no such key'), 1, 'error: no such key'),
    (KeyboardInterrupt(), 130, 'stopped')])
def test_errors_become_one_line(capsys, monkeypatch, error, code, text):
    monkeypatch.delenv('MMAVS_TRACEBACK', raising=False)

    def fail():
        raise error
    with pytest.raises(SystemExit) as stop:
        run_program(fail)
    assert stop.value.code == code
    assert capsys.readouterr().err.splitlines()[0] == text


def test_errors_of_the_program_keep_their_traceback():
    def fail():
        raise RuntimeError('a bug')
    with pytest.raises(RuntimeError):
        run_program(fail)


def test_empty_message():
    assert one_line(ValueError()) == 'ValueError'
