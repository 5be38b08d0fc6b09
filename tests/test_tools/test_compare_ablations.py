# Copyright (c) OpenMMLab. All rights reserved.
import importlib.util
import json
import sys

import pytest

TOOL = 'analysis_tools/compare_ablations.py'


@pytest.fixture
def tool(repo_dir):
    path = repo_dir / 'tools' / 'analysis_tools' / 'compare_ablations.py'
    spec = importlib.util.spec_from_file_location('compare_ablations', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ROWS = [dict(config='a', seed=0, true=0.5, swapped=0.1),
        dict(config='b', seed=0, true=0.7, swapped=0.7),
        dict(config='a', seed=1, true=0.7, swapped=0.1)]


def test_mean_and_spread(tool):
    first, second = tool.summarise(ROWS, ['true', 'swapped'])
    assert first['config'] == 'a' and first['runs'] == 2
    assert first['true'] == pytest.approx((0.6, 0.02 ** 0.5))
    assert first['swapped'] == pytest.approx((0.1, 0.0))
    assert second['true'] == (0.7, None)


def test_table_and_plot(tool, tmp_path):
    summary = tool.summarise(ROWS, ['true', 'swapped'])
    text = tool.to_markdown(summary, ['true', 'swapped'], 'J')
    assert text.splitlines() == [
        '| config | runs | J, true | J, swapped |',
        '|---|---|---|---|',
        '| `a` | 2 | 0.600 ± 0.141 | 0.100 ± 0.000 |',
        '| `b` | 1 | 0.700 | 0.700 |']
    tool.draw(summary, ['true', 'swapped'], 'J', tmp_path / 'plot.png')
    assert (tmp_path / 'plot.png').read_bytes()[:4] == b'\x89PNG'


def prepare(folder, rows):
    """Results that are there already, and the configs they are of."""
    for row in rows:
        place = folder / row['config'] / f'seed_{row["seed"]}'
        place.mkdir(parents=True)
        (place / 'result.json').write_text(json.dumps(row))
        (folder / f'{row["config"]}.py').write_text('')
    return [str(folder / f'{name}.py') for name in 'ab']


def test_finished_runs_are_not_done_again(run_tool, tmp_path):
    rows = [*ROWS, dict(config='b', seed=1, true=0.8, swapped=0.2)]
    configs = prepare(tmp_path, [dict(r, train_seconds=1) for r in rows])
    done = run_tool(TOOL, *configs, '--seeds', 0, 1, '--out', tmp_path)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / 'table.md').read_text()
    assert '| `b` | 2 | 0.750 ± 0.071 | 0.450 ± 0.354 |' in text
    assert text in done.stdout
    lines = (tmp_path / 'runs.csv').read_text().splitlines()
    assert lines[0] == 'config,seed,train_seconds,true,swapped'
    assert sorted(lines[1:]) == [
        'a,0,1,0.5,0.1', 'a,1,1,0.7,0.1', 'b,0,1,0.7,0.7', 'b,1,1,0.8,0.2']
    assert (tmp_path / 'plot.png').is_file()


def test_runs_with_other_settings_are_not_mixed_in(run_tool, tmp_path):
    config = prepare(tmp_path, [dict(ROWS[0], train_seconds=1)])[0]
    command = (TOOL, config, '--seeds', 0, '--out', tmp_path)
    assert run_tool(*command).returncode == 0
    for change in (('--metric', 'dataset/J'), ('--cfg-options', 'a=1'),
                   ('--checkpoint', 'best')):
        done = run_tool(*command, *change)
        assert done.returncode == 1 and 'give another --out' in done.stderr


@pytest.mark.slow
def test_trains_and_tests(run_tool, tiny, tmp_path):
    command = (TOOL, tiny.config, '--seeds', 3, '--out', tmp_path)
    done = run_tool(*command, '--audio', 'true')
    assert done.returncode == 0, done.stderr
    result = tmp_path / 'tiny' / 'seed_3' / 'result.json'
    first = json.loads(result.read_text())
    assert 0 <= first['true'] <= 1 and first['train_seconds'] > 0
    # another sound needs another test, but no training
    log = (tmp_path / 'tiny' / 'seed_3' / 'train.out').stat().st_mtime_ns
    assert run_tool(*command, '--audio', 'true', 'silence').returncode == 0
    second = json.loads(result.read_text())
    assert second == dict(first, silence=second['silence'])
    assert log == (tmp_path / 'tiny' / 'seed_3' /
                   'train.out').stat().st_mtime_ns


def test_a_failed_run_shows_where_to_look(tool, tmp_path):
    with pytest.raises(RuntimeError, match='train.py ended with code 1.*nix'):
        tool.run('train.py', str(tmp_path / 'nix.py'),
                 log=tmp_path / 'log')


def test_refuses_configs_of_one_name(tool, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['x', 'a/c.py', 'b/c.py'])
    with pytest.raises(SystemExit):
        tool.parse_args()
    assert 'same name' in capsys.readouterr().err
