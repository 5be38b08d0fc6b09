# Copyright (c) OpenMMLab. All rights reserved.
import json

import numpy as np
import pytest
from PIL import Image

TOOL = 'analysis_tools/analyze_logs.py'


def write_run(folder, start=1, stop=40, loss=1., stamp='20260101_000000'):
    """Two epochs of 20 iterations, logged every 5."""
    lines = []
    for step in range(start, stop + 1):
        if step % 5 == 0:
            epoch = 1 + (step - 1) // 20
            first = step % 20 == 5
            lines.append(json.dumps(dict(
                lr=0.1, loss=loss / step, epoch=epoch, iter=step, step=step,
                time=9. if first else float(epoch))))
        if step % 20 == 0:
            lines.append(json.dumps({'avsbench/J': step / 40, 'time': 50.,
                                     'step': step // 20}))
    path = folder / stamp / 'vis_data' / 'scalars.json'
    path.parent.mkdir(parents=True)
    path.write_text('\n'.join(lines) + '\n')
    return path


@pytest.fixture
def tool(repo_dir):
    import runpy
    return runpy.run_path(
        str(repo_dir / 'tools' / TOOL), run_name='analyze_logs')


def test_curves_by_hand(tool, tmp_path):
    write_run(tmp_path)
    run = tool['read_run'](str(tmp_path))
    x, y, axis = tool['curve'](run, 'loss', 'a')
    assert (x, axis) == (list(range(5, 41, 5)), 'iteration')
    assert y == [1 / step for step in x]
    assert tool['curve'](run, 'avsbench/J', 'a') == ([1, 2], [0.5, 1.],
                                                     'epoch')
    # validation logs "time" too; the training's is meant
    assert len(tool['curve'](run, 'time', 'a')[0]) == 8


def test_a_resumed_run_is_one_run(tool, tmp_path):
    path = write_run(tmp_path, stop=30)
    with open(path, 'a') as file:
        file.write('{"loss": 1, "st')  # killed while it wrote
    write_run(tmp_path, start=21, loss=7., stamp='20260102_000000')
    x, y, _ = tool['curve'](tool['read_run'](str(tmp_path)), 'loss', 'a')
    assert x == list(range(5, 41, 5))
    assert y == [(1. if step <= 20 else 7.) / step for step in x]


def test_times_by_hand(tool, run_tool, tmp_path):
    path = write_run(tmp_path)
    times = tool['epoch_times'](tool['read_run'](str(path)), False)
    assert times == {1: 1., 2: 2.}
    done = run_tool(TOOL, 'cal_train_time', tmp_path)
    assert 'slowest epoch  2: 2.0000' in done.stdout
    assert 'spread over 2 epochs: 0.7071' in done.stdout
    assert 'mean: 1.5000' in done.stdout
    done = run_tool(TOOL, 'cal_train_time', tmp_path, '--include-outliers')
    assert 'mean: 3.3750' in done.stdout  # (9+1+1+1)/4, (9+2+2+2)/4


def test_picture_of_two_runs(run_tool, tmp_path):
    for name, loss in (('a', 1.), ('b', 2.)):
        write_run(tmp_path / name, loss=loss)
    out = tmp_path / 'new' / 'c.png'
    done = run_tool(TOOL, 'plot_curve', tmp_path / 'a', tmp_path / 'b',
                    '--keys', 'loss', 'avsbench/J', '--out', out,
                    '--legend', 'one', 'two', '--title', 'both')
    assert done.returncode == 0, done.stderr
    picture = np.asarray(Image.open(out).convert('RGB')).astype(int)
    assert picture.shape[1] > 2 * picture.shape[0]
    for colour in ((31, 119, 180), (255, 127, 14)):  # matplotlib's first two
        found = (np.abs(picture - colour).sum(axis=2) < 30).any(axis=0)
        assert found[:len(found) // 2].any() and found[len(found) // 2:].any()


@pytest.mark.parametrize('arguments, code, message', [
    (('plot_curve', 'RUN', '--keys', 'los'), 1, 'only: avsbench/J, loss, lr'),
    (('plot_curve', 'nothing'), 1, 'nothing does not exist'),
    (('plot_curve', 'RUN', 'RUN'), 1, 'give --legend'),
    (('plot_curve', 'RUN', '--legend', 'a', 'b'), 2, '2 names for 1 logs'),
    (('cal_train_time', 'EMPTY'), 1, 'no vis_data/scalars.json')])
def test_errors_say_what_to_do(run_tool, tmp_path, arguments, code, message):
    write_run(tmp_path / 'run')
    (tmp_path / 'empty').mkdir()
    names = dict(RUN=tmp_path / 'run', EMPTY=tmp_path / 'empty')
    done = run_tool(TOOL, *(names.get(a, a) for a in arguments))
    assert done.returncode == code and message in done.stderr
