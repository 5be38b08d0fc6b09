# Copyright (c) OpenMMLab. All rights reserved.
"""Reading a pickled tensor without being able to run anything.

AVSBench ships its log-mel spectrograms as plain pickles of a torch tensor,
and a plain pickle may name any function to be called while it is read. The
reader here knows the handful of opcodes and the three names that a tensor
needs; everything else is refused before it happens.
"""

import io
import os
import pickle
import pickletools
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

_OPCODES = frozenset((
    'PROTO', 'FRAME', 'STOP', 'MARK', 'MEMOIZE', 'BINPUT', 'LONG_BINPUT',
    'BINGET', 'LONG_BINGET', 'GLOBAL', 'STACK_GLOBAL', 'REDUCE',
    'EMPTY_TUPLE', 'TUPLE', 'TUPLE1', 'TUPLE2', 'TUPLE3', 'BININT',
    'BININT1', 'BININT2', 'LONG1', 'NEWTRUE', 'NEWFALSE', 'NONE',
    'SHORT_BINUNICODE', 'BINUNICODE', 'SHORT_BINBYTES', 'BINBYTES'))
# What torch.save writes first for a storage inside a pickle. The other
# formats (zip, tar) never occur here and their readers had holes.
_LEGACY_STORAGE = b'\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.'
MAX_BYTES = 256 * 1024**2


def load_tensor_pickle(path: str | os.PathLike, *,
                       max_bytes: int = MAX_BYTES) -> Tensor:
    """Read a file that holds one pickled CPU tensor.

    Args:
        path (str | PathLike): A file written by ``pickle.dump(tensor, f)``
            (protocol 3 or newer), not by ``torch.save``.
        max_bytes (int): Largest file and largest tensor. Defaults to
            256 MiB.

    Returns:
        Tensor: The tensor, contiguous and without gradient.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file holds anything but one tensor, is broken or
            too large. Nothing in it has been executed then.
    """
    size = os.stat(path).st_size
    if size > max_bytes:
        raise ValueError(f'{path}: has {size} bytes, more than the '
                         f'{max_bytes} a pickled tensor may have')
    with open(path, 'rb') as f:
        data = f.read()
    try:
        _check_opcodes(data)
        tensor = _TensorUnpickler(data, max_bytes).load()
        if not isinstance(tensor, Tensor):
            raise pickle.UnpicklingError(
                f'holds a {type(tensor).__name__}, not a tensor')
    except Exception as error:  # a broken pickle can raise anything
        raise ValueError(
            f'{path}: is not a pickled tensor, or a broken or unsafe one '
            f'({type(error).__name__}: {error}); make it anew from the wav '
            'file or set audio_type="wav"') from error
    return tensor


def _check_opcodes(data: bytes) -> None:
    end = 0
    for opcode, _, position in pickletools.genops(data):
        if opcode.name not in _OPCODES:
            raise pickle.UnpicklingError(
                f'opcode {opcode.name} has no place in a tensor')
        end = position + 1
    if end != len(data):
        raise pickle.UnpicklingError('there is something after the tensor')


class _TensorUnpickler(pickle._Unpickler):
    """The interpreter written in Python, whose memo is a plain dict.

    The one in C makes room for the largest memo index a file names, which
    can be gigabytes.
    """

    def __init__(self, data: bytes, max_bytes: int) -> None:
        super().__init__(io.BytesIO(data))
        self._allowed: dict[tuple[str, str], Callable[..., Any]] = {
            ('torch._utils', '_rebuild_tensor_v2'):
                lambda *args: _rebuild_tensor(max_bytes, *args),
            ('torch.storage', '_load_from_bytes'): _load_storage,
            ('collections', 'OrderedDict'): _empty_dict,
        }

    def find_class(self, module: str, name: str) -> Callable[..., Any]:
        if (module, name) not in self._allowed:
            raise pickle.UnpicklingError(f'it calls {module}.{name}')
        return self._allowed[module, name]

    def get_extension(self, code: int) -> None:
        raise pickle.UnpicklingError(f'it names extension {code}')


def _empty_dict() -> OrderedDict:
    """Stand-in for the (empty) backward hooks of a tensor."""
    return OrderedDict()


def _load_storage(data: bytes) -> Tensor:
    """Return the flat tensor over the storage that ``torch.save`` wrote."""
    if not data.startswith(_LEGACY_STORAGE):
        raise pickle.UnpicklingError('its storage has an unknown format')
    storage = torch.load(io.BytesIO(data), map_location='cpu',
                         weights_only=True)
    if isinstance(storage, Tensor) or not hasattr(storage, 'dtype'):
        raise pickle.UnpicklingError('its storage has no element type')
    return torch.tensor([], dtype=storage.dtype).set_(storage)


def _rebuild_tensor(max_bytes: int, flat: Tensor, offset: int,
                    size: Sequence[int], stride: Sequence[int],
                    requires_grad: bool, hooks: OrderedDict) -> Tensor:
    del requires_grad, hooks
    if not isinstance(flat, Tensor) or flat.dim() != 1:
        raise pickle.UnpicklingError('a tensor is built on no storage')
    numbers = (offset, *size, *stride)
    if (len(size) != len(stride) or len(size) > 16
            or any(type(n) is not int or n < 0 for n in numbers)):
        raise pickle.UnpicklingError(
            f'offset {offset}, size {size} and stride {stride} do not fit '
            'together')
    count = 1
    for length in size:
        count *= length
    last = offset + sum((n - 1) * s for n, s in zip(size, stride))
    if count * flat.element_size() > max_bytes:
        raise pickle.UnpicklingError(f'a tensor of size {size} is too large')
    if count and last >= len(flat):
        raise pickle.UnpicklingError(
            f'size {size} reaches beyond its {len(flat)} values')
    return torch.as_strided(flat, size, stride, offset).clone(
        memory_format=torch.contiguous_format)
