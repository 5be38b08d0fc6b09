# Copyright (c) OpenMMLab. All rights reserved.
import importlib.util
import subprocess
import sys

import numpy as np
import pytest


@pytest.fixture(scope='module')
def tool(repo_dir):
    path = repo_dir / 'tools' / 'analysis_tools' / 'compare_clips.py'
    spec = importlib.util.spec_from_file_location('compare_clips', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write(path, scores):
    path.write_text('clip_id,J\n' + ''.join(
        f'clip_{i},{"" if s is None else s}\n' for i, s in scores))
    return str(path)


def test_interval_is_that_of_the_mean(tool):
    """For many clips the bootstrap meets the normal approximation."""
    rng = np.random.default_rng(3)
    first, second = rng.normal(0.5, 0.2, 400), rng.normal(0.6, 0.2, 400)
    result = tool.paired_bootstrap(first, second)
    d = second - first
    half = 1.96 * d.std(ddof=1) / 20
    assert result['difference'] == pytest.approx(d.mean())
    assert result['low'] == pytest.approx(d.mean() - half, abs=0.1 * half)
    assert result['high'] == pytest.approx(d.mean() + half, abs=0.1 * half)


def test_pairing_counts(tool):
    """A small steady gain is certain however much the clips differ."""
    first = np.linspace(0, 0.9, 30)
    result = tool.paired_bootstrap(first, first + 0.01)
    assert result['low'] == pytest.approx(0.01)
    assert result['share_above_0'] == 1
    swapped = tool.paired_bootstrap(first + 0.01, first)
    assert swapped['difference'] == pytest.approx(-0.01)


def test_program(tool, repo_dir, tmp_path):
    a = write(tmp_path / 'a.csv', [(0, 0.25), (1, 0.5), (2, None)])
    b = write(tmp_path / 'b.csv', [(1, 0.75), (0, 0.75), (2, None)])
    program = [sys.executable, tool.__file__]
    done = subprocess.run([*program, a, b], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert 'over 2 clips' in done.stdout
    assert 'difference: +0.3750' in done.stdout
    c = write(tmp_path / 'c.csv', [(0, 0.25), (7, 0.5)])
    done = subprocess.run([*program, a, c], capture_output=True, text=True)
    assert done.returncode == 1
    assert 'do not hold the same clips' in done.stderr


@pytest.mark.parametrize('text, message', [
    ('clip_id,F\na,1\n', 'has no column J'),
    ('clip_id,J\na,1\na,2\n', 'more than once')])
def test_tables_that_do_not_fit(tool, tmp_path, text, message):
    (tmp_path / 'x.csv').write_text(text)
    with pytest.raises(ValueError, match=message):
        tool.read_scores(str(tmp_path / 'x.csv'), 'J')
