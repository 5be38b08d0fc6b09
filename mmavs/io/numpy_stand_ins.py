# Copyright (c) OpenMMLab. All rights reserved.
"""What a pickle gets in place of NumPy's own constructors.

Checkpoints hold NumPy numbers (best scores, log histories, random states).
NumPy's ``__setstate__`` trusts its input and can be made to corrupt memory,
so pickles are given these checked versions, which build plain numbers and
nothing else.
"""

import math
import pickle
import re

import numpy as np

_CODE = re.compile(r'([biufc](1|2|4|8|16|32))|([SU]\d{1,6})')
_ORDERS = ('<', '>', '|', '=')


class DType:
    """Stands in for ``numpy.dtype``: numbers and text, no objects."""

    def __init__(self, code, align=False, copy=True) -> None:
        if not isinstance(code, str) or not _CODE.fullmatch(code):
            raise pickle.UnpicklingError(f'NumPy type {code!r}')
        self.value = np.dtype(code)

    def __setstate__(self, state) -> None:
        if not isinstance(state, tuple) or len(state) < 2 or (
                state[1] not in _ORDERS):
            raise pickle.UnpicklingError('state of a NumPy type')
        self.value = self.value.newbyteorder(state[1])


class Array(np.ndarray):
    """Stands in for ``numpy.ndarray``, and is stored as a plain one."""

    def __setstate__(self, state) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise pickle.UnpicklingError('state of a NumPy array')
        _, shape, dtype, fortran, raw = state
        if not isinstance(dtype, DType) or not isinstance(shape, tuple) or (
                not all(type(n) is int and n >= 0 for n in shape)):
            raise pickle.UnpicklingError('state of a NumPy array')
        raw = _bytes(raw, math.prod(shape) * dtype.value.itemsize)
        super().__setstate__((1, shape, dtype.value, bool(fortran), raw))

    def __reduce__(self):
        return np.array(self, subok=False).__reduce__()


def scalar(dtype, raw):
    """Stand in for ``numpy.core.multiarray.scalar``."""
    if not isinstance(dtype, DType):
        raise pickle.UnpicklingError('type of a NumPy number')
    raw = _bytes(raw, dtype.value.itemsize)
    return np.frombuffer(raw, dtype.value, count=1)[0]


def reconstruct(kind, shape, code):
    """Stand in for ``numpy.core.multiarray._reconstruct``."""
    if kind is not Array:
        raise pickle.UnpicklingError('kind of a NumPy array')
    return Array.__new__(Array, (0,), np.int8)


def empty_bytes():
    """Stand in for ``bytes``, which protocol 2 calls for no bytes."""
    return b''


def _bytes(raw, size: int) -> bytes:
    """Bytes of a size; protocol 2 stores them as Latin-1 text."""
    if isinstance(raw, str):
        raw = raw.encode('latin1')
    if not isinstance(raw, bytes) or len(raw) != size:
        raise pickle.UnpicklingError('bytes of a NumPy value')
    return raw


def numpy_stand_ins() -> list[tuple[object, str]]:
    """For ``torch.serialization.safe_globals``: object and its name."""
    cores = ('numpy.core.multiarray', 'numpy._core.multiarray')
    return [(empty_bytes, 'builtins.bytes'), (DType, 'numpy.dtype'),
            (Array, 'numpy.ndarray'),
            *((scalar, f'{core}.scalar') for core in cores),
            *((reconstruct, f'{core}._reconstruct') for core in cores)]
