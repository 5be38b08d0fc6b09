# Copyright (c) OpenMMLab. All rights reserved.
import runpy
import sys

import av
import numpy as np
import pytest
from PIL import Image

from mmavs.datasets.synthetic import write_synthetic


@pytest.fixture(scope='module')
def data_root(tmp_path_factory):
    root = tmp_path_factory.mktemp('synthetic')
    write_synthetic(root=str(root), layouts=['ms3', 'avss'], num_train=2,
                    num_val=1, num_test=1, size=64, workers=1)
    return root


def browse(repo_dir, monkeypatch, *arguments):
    """Run the program in this process and return its exit code."""
    script = str(repo_dir / 'tools' / 'analysis_tools' / 'browse_dataset.py')
    monkeypatch.setattr(sys, 'argv', [script, *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(script, run_name='__main__')
    return stopped.value.code


def test_pictures_and_videos(repo_dir, data_root, tmp_path, monkeypatch,
                             capsys):
    assert browse(
        repo_dir, monkeypatch,
        repo_dir / 'configs/_base_/datasets/synthetic_ms3.py', '--video',
        '--out-dir', tmp_path, '--cfg-options',
        f'train_dataloader.dataset.data_root={data_root}/Multi-sources') == 0
    assert '2 clips of the train split' in capsys.readouterr().out
    pictures, videos = (sorted(tmp_path.glob(f'*.{kind}'))
                        for kind in ('png', 'mp4'))
    assert len(pictures) == len(videos) == 2
    page = np.asarray(Image.open(pictures[0]))
    assert page.shape[1] > 5 * 200 and page.std() > 20
    with av.open(str(videos[0])) as container:
        assert [s.type for s in container.streams] == ['video', 'audio']


def test_clips_by_name_and_classes(repo_dir, data_root, tmp_path,
                                   monkeypatch):
    config = repo_dir / 'configs/_base_/datasets/synthetic_avss.py'
    options = ['--split', 'val', '--out-dir', tmp_path, '--cfg-options',
               f'val_dataloader.dataset.data_root={data_root}/AVSS']
    assert browse(repo_dir, monkeypatch, config, '--num', 1, *options) == 0
    (picture, ) = tmp_path.iterdir()
    first = picture.read_bytes()
    picture.unlink()
    assert browse(repo_dir, monkeypatch, config, '--clips', picture.stem,
                  *options) == 0
    assert picture.read_bytes() == first


def test_unknown_clip_is_one_line(repo_dir, data_root, tmp_path, monkeypatch,
                                  capsys):
    monkeypatch.delenv('MMAVS_TRACEBACK', raising=False)
    assert browse(
        repo_dir, monkeypatch,
        repo_dir / 'configs/_base_/datasets/synthetic_ms3.py', '--clips',
        'nobody', '--out-dir', tmp_path, '--cfg-options',
        f'train_dataloader.dataset.data_root={data_root}/Multi-sources') == 1
    assert "no clip 'nobody'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
