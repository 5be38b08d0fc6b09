# Copyright (c) OpenMMLab. All rights reserved.
import os
import pickle
import resource
import struct
import sys
import tarfile
import zipfile
from collections import OrderedDict

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmavs.io.tensor_pickle import load_tensor_pickle


def _dump(path, value, protocol=4):
    path.write_bytes(pickle.dumps(value, protocol))
    return path


@pytest.mark.parametrize('protocol', [3, 4, 5])
@pytest.mark.parametrize('tensor', [
    torch.rand(5, 1, 96, 64), torch.rand(5, 64, 96).transpose(1, 2),
    torch.rand(3, requires_grad=True), torch.arange(7)[2:5],
    torch.ones(2, 3, dtype=torch.float16), torch.tensor(3.0),
    torch.zeros(0, 4), torch.ones(1).expand(4, 5)])
def test_tensors_come_back(tmp_path, tensor, protocol):
    loaded = load_tensor_pickle(_dump(tmp_path / 'a.pkl', tensor, protocol))
    torch.testing.assert_close(loaded, tensor.detach())
    assert loaded.is_contiguous() and not loaded.requires_grad


def test_the_pickles_found_in_the_wild(shared_dir):
    files = sorted((shared_dir / 'media' / 'logmel_pkl').glob('*.pkl'))
    assert len(files) == 3
    for file in files:
        log_mel = load_tensor_pickle(file)
        assert log_mel.shape[1:] == (1, 96, 64)
        assert log_mel.dtype == torch.float32
        assert torch.isfinite(log_mel).all()
        assert log_mel.min() > -4.7 and log_mel.max() < 10


class _Call:
    """Pickles as a call of ``function(*args)``."""

    def __init__(self, function, *args):
        self.call = (function, args)

    def __reduce__(self):
        return self.call


def _by_name(module, name, *args):
    """A pickle that calls any name with texts as arguments."""
    body = b'\x80\x04' + _text(module) + _text(name) + b'\x93('
    for arg in args:
        body += _text(arg)
    return body + b'tR.'


def _text(value):
    value = value.encode()
    return b'\x8c' + struct.pack('<B', len(value)) + value


def test_a_payload_is_refused_and_not_run(tmp_path):
    witness = tmp_path / 'witness'
    command = f'touch {witness}'
    payloads = [
        pickle.dumps(_Call(os.system, command)),
        pickle.dumps(_Call(eval, f'open({str(witness)!r}, "w")')),
        pickle.dumps(_Call(OrderedDict, [(1, _Call(os.system, command))])),
        pickle.dumps([torch.ones(2), _Call(os.system, command)]),
        pickle.dumps(_Call(torch.load, str(witness))),
        _by_name('posix', 'system', command),
        _by_name('torch.storage', '_load_from_bytes.__globals__', 'x'),
        _by_name('collections', 'OrderedDict.fromkeys', 'x'),
        b"cos\nsystem\n(S'" + command.encode() + b"'\ntR.",
    ]
    for payload in payloads:
        path = tmp_path / 'bad.pkl'
        path.write_bytes(payload)
        with pytest.raises(ValueError, match=r'bad\.pkl.*unsafe'):
            load_tensor_pickle(path)
        assert not witness.exists()


def test_a_payload_inside_the_storage_is_refused(tmp_path):
    witness = tmp_path / 'witness'
    inner = tmp_path / 'inner'
    attack = _Call(os.system, f'touch {witness}')
    for new_format in (False, True):
        torch.save(attack, inner,
                   _use_new_zipfile_serialization=new_format)
        call = _Call(torch.storage._load_from_bytes, inner.read_bytes())
        with pytest.raises(ValueError, match='unsafe'):
            load_tensor_pickle(_dump(tmp_path / 'a.pkl', call))
        assert not witness.exists()


def test_only_the_storage_format_of_pickles_is_read(tmp_path):
    torch.save(torch.ones(2), tmp_path / 'inner')
    with tarfile.open(tmp_path / 'tar', 'w') as tar:
        tar.add(tmp_path / 'inner', 'storages')
    assert zipfile.is_zipfile(tmp_path / 'inner')
    for name in ('inner', 'tar'):
        call = _Call(torch.storage._load_from_bytes,
                     (tmp_path / name).read_bytes())
        with pytest.raises(ValueError, match='unknown format'):
            load_tensor_pickle(_dump(tmp_path / 'a.pkl', call))
        with pytest.raises(ValueError, match='not a pickled tensor'):
            load_tensor_pickle(tmp_path / name)


@pytest.mark.parametrize('value', [
    [1, 2], {'a': torch.ones(1)}, 'text', None, OrderedDict(), 3.5])
def test_anything_but_a_tensor_is_refused(tmp_path, value):
    with pytest.raises(ValueError, match='not a pickled tensor'):
        load_tensor_pickle(_dump(tmp_path / 'a.pkl', value))


def _rebuilt(flat, offset, size, stride):
    return _Call(torch._utils._rebuild_tensor_v2, flat.storage(), offset,
                 size, stride, False, OrderedDict())


@pytest.mark.filterwarnings('ignore:TypedStorage is deprecated')
@pytest.mark.parametrize('offset, size, stride', [
    (0, (5,), (1,)), (3, (2,), (1,)), (-1, (2,), (1,)), (0, (2,), (-1,)),
    (0, (2, 2), (1,)), (0, (10**9, 10**3), (0, 0)), (0, (2,), (10**12,)),
    (0, ('a',), (1,)), (0, (0,) * 20, (1,) * 20)])
def test_impossible_shapes_are_refused(tmp_path, offset, size, stride):
    value = _rebuilt(torch.ones(4), offset, size, stride)
    with pytest.raises(ValueError, match='not a pickled tensor'):
        load_tensor_pickle(_dump(tmp_path / 'a.pkl', value))


def test_size_is_bounded(tmp_path):
    path = _dump(tmp_path / 'a.pkl', torch.ones(1000))
    with pytest.raises(ValueError, match='more than the 1000'):
        load_tensor_pickle(path, max_bytes=1000)


@pytest.mark.skipif(sys.platform != 'linux', reason='ru_maxrss is in KiB')
def test_a_huge_memo_index_costs_no_memory(tmp_path):
    path = tmp_path / 'a.pkl'
    path.write_bytes(b'\x80\x04)r\xff\xff\xff\x7f.')
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match='holds a tuple'):
        load_tensor_pickle(path)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after - before < 100_000


def test_a_missing_file_is_that_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_tensor_pickle(tmp_path / 'none.pkl')


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_broken_pickle_is_one_clear_error(tmp_path_factory, data):
    good = bytearray(pickle.dumps(torch.arange(6.0).view(2, 3)))
    position = data.draw(st.integers(0, len(good) - 1))
    if data.draw(st.booleans()):
        good = good[:position]
    else:
        good[position] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp('pkl') / 'a.pkl'
    path.write_bytes(bytes(good))
    try:
        assert isinstance(load_tensor_pickle(path), torch.Tensor)
    except ValueError as error:
        assert str(path) in str(error)
