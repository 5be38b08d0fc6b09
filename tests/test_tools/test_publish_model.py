# Copyright (c) OpenMMLab. All rights reserved.
import hashlib
import json
import runpy
import sys

import pytest
import torch
from mmengine.logging import HistoryBuffer

from mmavs.io.checkpoint import load_checkpoint_file


@pytest.fixture
def publish(repo_dir, monkeypatch):
    script = str(repo_dir / 'tools' / 'misc' / 'publish_model.py')

    def run(*arguments):
        monkeypatch.setattr(sys, 'argv', [script, *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            runpy.run_path(script, run_name='__main__')
        return stopped.value.code

    return run


def test_only_the_weights_are_left(publish, tmp_path):
    weights = {'a.weight': torch.randn(3, 4), 'b': torch.arange(5)}
    source, results = tmp_path / 'epoch_1.pth', tmp_path / 'r.json'
    torch.save(dict(
        state_dict=weights, optimizer=dict(state={0: torch.zeros(9)}),
        message_hub=dict(log_scalars=dict(loss=HistoryBuffer())),
        meta=dict(epoch=3, cfg='x = 1', time='today',
                  dataset_meta=dict(classes=('a', 'b')))), source)
    results.write_text(json.dumps(dict(J=0.5)))
    assert publish(source, tmp_path / 'm.pth', '--config', 'm',
                   '--results', results) == 0
    (path, ) = tmp_path.glob('m*.pth')
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert path.name == f'm-{digest[:8]}.pth'
    found = load_checkpoint_file(path)
    assert set(found) == {'meta', 'state_dict'}
    assert found['meta'] == dict(
        epoch=3, dataset_meta=dict(classes=('a', 'b')), config='m',
        trained='', results=dict(J=0.5))
    assert found['state_dict'].keys() == weights.keys()
    assert all(torch.equal(found['state_dict'][name], value)
               for name, value in weights.items())


def test_wrong_ending(publish, tmp_path, capsys):
    torch.save(dict(a=torch.zeros(1)), tmp_path / 'a.pth')
    assert publish(tmp_path / 'a.pth', tmp_path / 'm.bin', '--config',
                   'm') == 1
    assert 'ending .pth' in capsys.readouterr().err
