# Copyright (c) OpenMMLab. All rights reserved.
import importlib.util
import json
import sys

import pytest


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


def test_finished_runs_are_not_done_again(tool, tmp_path, monkeypatch):
    folder = tmp_path / 'a' / 'seed_0'
    folder.mkdir(parents=True)
    (folder / 'result.json').write_text(json.dumps(ROWS[0]))
    config = tmp_path / 'a.py'
    config.write_text('')
    monkeypatch.setattr(sys, 'argv', [
        'x', str(config), '--seeds', '0', '--out', str(tmp_path)])
    assert tool.measure(str(config), 0, tool.parse_args()) == ROWS[0]


def test_a_failed_run_shows_where_to_look(tool, tmp_path):
    with pytest.raises(RuntimeError, match='train.py ended with code 1.*nix'):
        tool.run('train.py', str(tmp_path / 'nix.py'),
                 log=tmp_path / 'log')


def test_refuses_configs_of_one_name(tool, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['x', 'a/c.py', 'b/c.py'])
    with pytest.raises(SystemExit):
        tool.parse_args()
    assert 'same name' in capsys.readouterr().err
