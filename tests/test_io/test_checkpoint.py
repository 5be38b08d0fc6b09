# Copyright (c) OpenMMLab. All rights reserved.
import functools
import hashlib
import os
import pickle
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mmengine.logging import HistoryBuffer
from mmengine.model import BaseModule
from mmengine.runner import load_checkpoint
from torch import nn

from mmavs.io.checkpoint import (
    CheckpointError,
    CheckpointNotFoundError,
    load_checkpoint_file,
)
from mmavs.io.weights import find_state_dict, load_weights, own_tensors


class Payload:
    """Runs a command when a pickle of it is loaded."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f'touch {self.marker}',)


@pytest.fixture
def attack(tmp_path):
    """A checkpoint that writes a file when unpickled unsafely."""
    marker = tmp_path / 'was_here'
    path = tmp_path / 'evil.pth'
    torch.save(dict(state_dict=dict(weight=torch.ones(1, 1),
                                    bias=Payload(marker))), path)
    return path, marker


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A web server on a folder, and an empty download cache."""
    folder = tmp_path / 'served'
    folder.mkdir()
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'hub'))
    handler = functools.partial(QuietHandler, directory=str(folder))
    httpd = ThreadingHTTPServer(('127.0.0.1', 0), handler)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield folder, f'http://127.0.0.1:{httpd.server_port}'
    httpd.shutdown()
    thread.join()
    httpd.server_close()


class QuietHandler(SimpleHTTPRequestHandler):

    def log_message(self, format, *args):
        """Say nothing."""


def one_line(error) -> str:
    text = str(error.value)
    assert '\n' not in text
    return text


@pytest.mark.parametrize('env', [None, 'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'])
def test_payload_is_refused_and_not_run(attack, monkeypatch, env):
    path, marker = attack
    if env:
        monkeypatch.setenv(env, '1')
    with pytest.raises(CheckpointError) as error:
        load_checkpoint_file(path)
    message = one_line(error)
    assert str(path) in message and 'system' in message
    assert 'MMAVS_ALLOW_UNSAFE_LOAD=1' in message
    assert not marker.exists()


def test_every_door_of_mmengine_is_safe(attack):
    path, marker = attack
    with pytest.raises(CheckpointError):
        load_checkpoint(nn.Linear(1, 1), str(path))
    init_cfg = dict(type='Pretrained', checkpoint=str(path))
    module = BaseModule(init_cfg=init_cfg)
    with pytest.raises(CheckpointError):
        module.init_weights()
    module = BaseModule(init_cfg=dict(prefix='backbone.', **init_cfg))
    with pytest.raises(CheckpointError):
        module.init_weights()
    assert not marker.exists()


def test_payload_from_a_url_is_not_run(attack, server):
    path, marker = attack
    folder, url = server
    (folder / 'evil.pth').write_bytes(path.read_bytes())
    for door in (load_checkpoint_file,
                 functools.partial(load_checkpoint, nn.Linear(1, 1))):
        with pytest.raises(CheckpointError):
            door(f'{url}/evil.pth')
    assert not marker.exists()


@pytest.mark.parametrize('address', [
    'open-mmlab://resnet50', 'openmmlab://a', 'mmcls://a', 's3://a/b.pth',
    'cluster:s3://a/b.pth', 'pavi://a'])
def test_schemes_read_unsafely_are_refused(address):
    with pytest.raises(CheckpointError, match='https://'):
        load_checkpoint(nn.Linear(1, 1), address)


def test_opting_in_runs_it(attack, monkeypatch):
    path, marker = attack
    monkeypatch.setenv('MMAVS_ALLOW_UNSAFE_LOAD', '1')
    with pytest.warns(UserWarning, match='will run'):
        load_checkpoint_file(path)
    assert marker.exists()


def test_reads_what_runners_write(tmp_path):
    path = tmp_path / 'epoch_1.pth'
    history = HistoryBuffer([1., 2.], [1, 1])
    history.update(3.)
    checkpoint = dict(
        meta=dict(epoch=1, seed=np.int64(3), best=np.float64(0.5),
                  best32=np.float32(0.25), flag=np.bool_(True),
                  array=np.arange(3), names=np.array(['a', 'bc'])),
        state_dict=nn.Linear(2, 2).state_dict(),
        message_hub=dict(log_scalars={'train/loss': history},
                         runtime_info=dict(iter=3, loop_stage='train')))
    torch.save(checkpoint, path)
    loaded = load_checkpoint_file(path)
    hub = loaded['message_hub']['log_scalars']['train/loss']
    assert hub.data[0].tolist() == [1, 2, 3]
    assert loaded['meta']['best'] == 0.5
    assert loaded['meta']['array'].tolist() == [0, 1, 2]
    assert loaded['meta']['names'].tolist() == ['a', 'bc']
    assert loaded['meta']['flag'] and loaded['meta']['best32'] == 0.25
    torch.save(loaded, path)  # a resumed run stores them again
    again = load_checkpoint_file(path)
    hub = again['message_hub']['log_scalars']['train/loss']
    hub.update(4.)
    assert hub.data[0].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize('value', [
    np.array([object()]), np.array([1, 'a'], dtype=object),
    np.zeros(2, dtype=[('a', 'i4')]), np.datetime64('2020-01-01')])
def test_numpy_is_numbers_and_text_only(tmp_path, value):
    path = tmp_path / 'x.pth'
    try:
        torch.save(dict(a=value), path)
    except (pickle.PicklingError, AttributeError):
        pytest.skip('cannot be written')
    with pytest.raises(CheckpointError):
        load_checkpoint_file(path)


@settings(max_examples=40, deadline=None)
@given(dtype=hnp.scalar_dtypes().filter(lambda d: d.kind in 'biufcSU'),
       shape=hnp.array_shapes(min_dims=0, min_side=0), data=st.data())
def test_numpy_arrays_come_back(tmp_path_factory, dtype, shape, data):
    if dtype.itemsize == 0:
        return
    array = data.draw(hnp.arrays(dtype, shape))
    path = tmp_path_factory.mktemp('a') / 'x.pth'
    torch.save(dict(a=array), path)
    found = load_checkpoint_file(path)['a']
    # NumPy itself reads foreign byte orders as its own
    assert found.dtype == array.dtype.newbyteorder('=')
    assert found.shape == array.shape
    assert found.astype(array.dtype).tobytes() == array.tobytes()


@pytest.mark.filterwarnings('ignore:Detected pickle protocol')
@pytest.mark.parametrize('new_format', [True, False])
def test_damaged_bytes_give_one_line(tmp_path, new_format):
    path = tmp_path / 'x.pth'
    torch.save(dict(weight=torch.ones(3), best=np.float64(1),
                    log=HistoryBuffer([1.], [1])), path,
               _use_new_zipfile_serialization=new_format)
    data = path.read_bytes()
    for seed in range(150):
        rng = np.random.default_rng(seed)
        damaged = bytearray(data)
        for at in rng.integers(0, len(data), rng.integers(1, 20)):
            damaged[at] = rng.integers(0, 256)
        path.write_bytes(damaged)
        try:
            load_checkpoint_file(path)  # a weight may differ, that is all
        except CheckpointError as error:
            assert '\n' not in str(error)


class Attribute:
    """Pickles as a call of ``getattr``."""

    def __init__(self, *args):
        self.args = args

    def __reduce__(self):
        return getattr, self.args


@pytest.mark.parametrize('args', [
    (HistoryBuffer, '__init__'), (HistoryBuffer, '__subclasses__'),
    (np.ndarray, 'tofile'), ('text', 'format')])
def test_getattr_reaches_nothing_but_the_log_history(tmp_path, args):
    path = tmp_path / 'x.pth'
    torch.save(dict(a=Attribute(*args)), path)
    with pytest.raises(CheckpointError, match='getattr'):
        load_checkpoint_file(path)


def test_numbers_of_numpy_1_are_read(tmp_path):
    path = tmp_path / 'old.pth'
    torch.save(dict(best=np.float64(0.5), weight=torch.ones(1)), path,
               _use_new_zipfile_serialization=False)
    data = path.read_bytes().replace(b'numpy._core.multiarray',
                                     b'numpy.core.multiarray')
    path.write_bytes(data)
    assert load_checkpoint_file(path)['best'] == 0.5


def test_old_pytorch_is_refused(tmp_path, monkeypatch):
    torch.save({}, tmp_path / 'x.pth')
    monkeypatch.setattr(torch, '__version__', '2.5.1+cpu')
    with pytest.raises(CheckpointError, match='upgrade to 2.6'):
        load_checkpoint_file(tmp_path / 'x.pth')


def test_missing_file_names_file_and_switch():
    with pytest.raises(FileNotFoundError) as error:
        load_checkpoint_file('nowhere/x.pth', hint='or --cfg-options a=None')
    assert one_line(error) == ('checkpoint nowhere/x.pth does not exist; '
                               'or --cfg-options a=None')


@pytest.mark.parametrize('content', [
    b'', b'not a checkpoint', b'PK\x03\x04 cut off', b'\x80\x02}q\x00.',
    bytes(range(256)) * 4])
@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_broken_file_is_one_line(tmp_path, content, suffix):
    path = tmp_path / f'broken{suffix}'
    path.write_bytes(content)
    with pytest.raises(CheckpointError) as error:
        load_checkpoint_file(path)
    assert str(path) in one_line(error)


def test_truncated_file_is_one_line(tmp_path):
    path = tmp_path / 'cut.pth'
    torch.save(nn.Linear(50, 50).state_dict(), path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(CheckpointError, match='get it again') as error:
        load_checkpoint_file(path)
    assert str(path) in one_line(error)


def test_safetensors(tmp_path):
    safetensors = pytest.importorskip('safetensors.torch')
    path = tmp_path / 'w.safetensors'
    safetensors.save_file(dict(a=torch.arange(3.)), str(path))
    assert load_checkpoint_file(path)['a'].tolist() == [0, 1, 2]


def test_url_is_downloaded_once_and_checked(tmp_path, server):
    folder, url = server
    torch.save(dict(a=torch.ones(2)), tmp_path / 'w.pth')
    data = (tmp_path / 'w.pth').read_bytes()
    name = f'w-{hashlib.sha256(data).hexdigest()[:8]}.pth'
    (folder / name).write_bytes(data)
    assert load_checkpoint_file(f'{url}/{name}')['a'].sum() == 2
    (folder / name).unlink()
    assert load_checkpoint_file(f'{url}/{name}')['a'].sum() == 2

    (folder / 'w-00000000.pth').write_bytes(data)
    with pytest.raises(CheckpointError, match='checksum'):
        load_checkpoint_file(f'{url}/w-00000000.pth')
    kept = sorted(p.name for p in (tmp_path / 'hub').rglob('*.p*'))
    assert kept == [name]


def test_unreachable_url_is_one_line(server):
    _, url = server
    for address in (f'{url}/absent.pth', 'http://127.0.0.1:9/x.pth'):
        with pytest.raises(CheckpointNotFoundError) as error:
            load_checkpoint_file(address, hint='use --cfg-options a=None')
        assert address in one_line(error)
        assert 'a=None' in str(error.value)


@pytest.mark.parametrize('wrap', [
    lambda s: s, lambda s: dict(state_dict=s, meta={}),
    lambda s: dict(model=s), lambda s: {f'module.{k}': v
                                        for k, v in s.items()}])
def test_find_state_dict(wrap):
    weights = nn.Linear(2, 3).state_dict()
    assert list(find_state_dict(wrap(weights))) == ['weight', 'bias']


def test_find_state_dict_without_weights():
    with pytest.raises(CheckpointError, match='holds no weights'):
        find_state_dict(dict(epoch=3))


class TestLoadWeights:

    @pytest.fixture
    def path(self, tmp_path):
        path = tmp_path / 'w.pth'
        torch.save(dict(weight=torch.ones(3, 2), bias=torch.ones(3)), path)
        return path

    def test_strict(self, path):
        module = nn.Linear(2, 3)
        report = load_weights(module, path)
        assert module.weight.sum() == 6 and len(report.loaded) == 2

    def test_shapes_must_fit(self, path):
        with pytest.raises(CheckpointError, match=r'\(3, 2\), wanted'):
            load_weights(nn.Linear(5, 3), path, strict=False)

    def test_missing_and_unexpected_are_named(self, path):
        module = nn.Linear(2, 3, bias=False)
        with pytest.raises(CheckpointError, match='unexpected bias'):
            load_weights(module, path)
        assert load_weights(module, path, ignore=['^bias$']).ignored
        module = nn.Linear(2, 3)
        module.extra = nn.Linear(1, 1)
        with pytest.raises(CheckpointError, match='missing extra.weight'):
            load_weights(module, path)
        report = load_weights(module, path, strict=False)
        assert report.missing == ['extra.weight', 'extra.bias']

    def test_nothing_in_common_is_an_error_even_when_lenient(self, path):
        with pytest.raises(CheckpointError, match='none of its names'):
            load_weights(nn.Sequential(nn.Linear(2, 3)), path, strict=False)

    def test_prefix(self, tmp_path):
        path = tmp_path / 'w.pth'
        torch.save({'net.weight': torch.ones(3, 2), 'other': torch.ones(1),
                    'net.bias': torch.ones(3)}, path)
        module = nn.Linear(2, 3)
        load_weights(module, path, prefix='net')
        assert module.bias.sum() == 3
        with pytest.raises(CheckpointError, match='no weights under'):
            load_weights(module, path, prefix='nothing')


def test_own_tensors_are_the_state_dict():
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    module.register_buffer('hidden', torch.ones(1), persistent=False)
    assert set(own_tensors(module)) == set(module.state_dict())
