# Copyright (c) OpenMMLab. All rights reserved.
import hashlib
import os

import pytest
import torch

TOOL = 'misc/publish_model.py'


def write(path, **changes):
    big = torch.arange(4e5).reshape(100, -1)
    checkpoint = dict(
        meta=dict(epoch=3, seed=7, cfg='a = 1'),
        state_dict={'net.weight': big[:2], 'aux.weight': torch.ones(3)},
        optimizer=dict(state={0: torch.ones(1000)}), random_state=[1],
        message_hub={}, param_schedulers=[])
    torch.save({**checkpoint, **changes}, path)
    return big[:2]


def test_keeps_weights_and_meta_and_names_the_hash(run_tool, tmp_path):
    weight = write(tmp_path / 'a.pth')
    done = run_tool(TOOL, tmp_path / 'a.pth', tmp_path / 'out' / 'b.pth')
    assert done.returncode == 0, done.stderr
    (path, ) = (tmp_path / 'out').iterdir()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert path.name == f'b-{digest[:8]}.pth'
    content = torch.load(path, weights_only=True)
    assert sorted(content) == ['meta', 'state_dict']
    assert content['meta'] == dict(epoch=3, seed=7, cfg='a = 1')
    assert torch.equal(content['state_dict']['net.weight'], weight)
    assert 'optimizer' in done.stdout and path.name in done.stdout
    # the whole tensor that the weight is a part of would be 1.6 MB
    assert path.stat().st_size < 1e5


def test_parts_can_be_left_out(run_tool, tmp_path):
    write(tmp_path / 'a.pth')
    out = tmp_path / 'b.pth'
    assert run_tool(TOOL, tmp_path / 'a.pth', out, '--without',
                    'aux.').returncode == 0
    (path, ) = tmp_path.glob('b-*.pth')
    assert list(torch.load(path, weights_only=True)['state_dict']) == [
        'net.weight']
    done = run_tool(TOOL, tmp_path / 'a.pth', out, '--without', 'heads.')
    assert done.returncode == 1 and '--without heads.' in done.stderr


def test_a_name_stands_for_the_config(run_tool, tmp_path):
    write(tmp_path / 'a.pth')
    (tmp_path / 'r.json').write_text('{"J": 0.5}')
    done = run_tool(TOOL, tmp_path / 'a.pth', tmp_path / 'b.pth', '--config',
                    'selm', '--trained', 'long', '--results',
                    tmp_path / 'r.json')
    assert done.returncode == 0, done.stderr
    (path, ) = tmp_path.glob('b-*.pth')
    assert torch.load(path, weights_only=True)['meta'] == dict(
        epoch=3, seed=7, config='selm', trained='long',
        results=dict(J=0.5))


class Evil:
    def __reduce__(self):
        return os.system, ('true', )


@pytest.mark.parametrize('content, message', [
    (dict(weight=torch.ones(1)), 'has no state_dict'),
    (dict(state_dict=Evil()), 'was refused')])
def test_refuses_what_it_cannot_share(run_tool, tmp_path, content, message):
    torch.save(content, tmp_path / 'a.pth')
    done = run_tool(TOOL, tmp_path / 'a.pth', tmp_path / 'b.pth')
    assert done.returncode == 1 and message in done.stderr
    assert not list(tmp_path.glob('b*'))
