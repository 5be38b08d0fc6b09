# Copyright (c) OpenMMLab. All rights reserved.
import json
import os
import re
import runpy
import sys

import numpy as np
import pytest
from PIL import Image

from mmavs.datasets.synthetic.sample_videos import write_sample_videos

NOTEBOOK = 'demo/mmavs_tutorial.ipynb'


@pytest.fixture(scope='module')
def sample(tmp_path_factory):
    return write_sample_videos(tmp_path_factory.mktemp('samples'), size=96,
                               fps=2)[0]


def run_script(path, arguments, monkeypatch):
    monkeypatch.setattr(sys, 'argv', [str(path), *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(str(path), run_name='__main__')
    return stopped.value.code


def test_video_demo_with_the_shipped_weights(sample, repo_dir, tmp_path,
                                             monkeypatch, capsys):
    assert run_script(repo_dir / 'demo/video_demo.py', [
        sample.path, '--out-dir', tmp_path, '--device', 'cpu'],
        monkeypatch) == 0
    assert f'video: {tmp_path}/{sample.path.stem}.mp4' in (
        capsys.readouterr().out)
    masks = [np.asarray(Image.open(path)) for path in sorted(
        (tmp_path / f'{sample.path.stem}_masks').iterdir())]
    assert len(masks) == 5 and np.mean([m > 0 for m in masks]) > 0.02


def test_readme_gif(repo_dir, tmp_path, monkeypatch, capsys):
    path = tmp_path / 'a.gif'
    assert run_script(repo_dir / 'tools/misc/make_readme_gif.py', [
        '--out', path, '--fps', 1, '--size', 64], monkeypatch) == 0
    assert '5 pictures' in capsys.readouterr().out
    with Image.open(path) as image:
        assert image.n_frames == 5 and image.info['loop'] == 0
        first = np.asarray(image.convert('RGB')).astype(int)
    half = (first.shape[1] - 8) // 2
    left, right = first[:, :half], first[:, -half:]
    assert np.abs(left - right).max() > 60  # the mask is somewhere else


def read_notebook(repo_dir):
    return json.loads((repo_dir / NOTEBOOK).read_text('utf-8'))


def test_stored_notebook_is_small_and_complete(repo_dir):
    assert (repo_dir / NOTEBOOK).stat().st_size < 3e5
    cells = read_notebook(repo_dir)['cells']
    kinds = {key for cell in cells for output in cell.get('outputs', ())
             for key in output.get('data', ())}
    assert 'image/jpeg' in kinds
    assert not [o for cell in cells for o in cell.get('outputs', ())
                if o['output_type'] == 'error' or o.get('name') == 'stderr']


@pytest.mark.slow
def test_notebook_runs(repo_dir, tmp_path, monkeypatch):
    """The tutorial, from install to pictures, as it is stored."""
    nbformat = pytest.importorskip('nbformat')
    client = pytest.importorskip('nbclient')
    pytest.importorskip('ipykernel')
    paths = [str(repo_dir), os.environ.get('PYTHONPATH', '')]
    monkeypatch.setenv('PYTHONPATH', os.pathsep.join(filter(None, paths)))
    monkeypatch.setenv('TMPDIR', str(tmp_path))
    notebook = nbformat.read(repo_dir / NOTEBOOK, as_version=4)
    client.NotebookClient(
        notebook, timeout=300, kernel_name='python3',
        resources=dict(metadata=dict(path=str(tmp_path)))).execute()
    outputs = [o for cell in notebook.cells for o in cell.get('outputs', ())]
    assert sum('image/jpeg' in o.get('data', ()) for o in outputs) == 2
    text = ''.join(o.text for o in outputs if o.output_type == 'stream')
    shares = {name: float(share) for name, share in re.findall(
        r'(\w+) +sound: +([\d.]+)% of the picture', text)}
    assert shares['muted'] < shares['own'] / 4 < shares['own'] < 50
    assert shares['swapped'] > 1
