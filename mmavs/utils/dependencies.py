# Copyright (c) OpenMMLab. All rights reserved.
"""Checks that MMEngine, MMCV and MMSegmentation are there and fit.

Old versions are refused, new ones only warned about: a hard upper bound
breaks working installations for no reason.
"""

import importlib
import os
import warnings
from importlib import metadata

# name: (import name, minimum, first version not tried, distributions)
_REQUIRED = {
    'MMEngine': ('mmengine', '0.10.6', '0.12.0', ('onedl-mmengine',
                                                  'mmengine')),
    'MMCV': ('mmcv', '2.1.0', '2.5.0', ('onedl-mmcv', 'mmcv')),
    'MMSegmentation': ('mmseg', '1.2.2', '1.6.0', ('onedl-mmsegmentation',
                                                   'mmsegmentation')),
}
_FIX = 'pip install "mmavs[onedl]"'
SILENCE_ENV = 'MMAVS_IGNORE_VERSIONS'


def _installed(dist: str) -> bool:
    try:
        metadata.version(dist)
    except metadata.PackageNotFoundError:
        return False
    return True


def check_dependencies() -> None:
    """Check the OpenMMLab packages mmavs stands on.

    Raises:
        ImportError: If one of them is missing or older than the minimum. The
            message holds the one-line fix.

    Warns:
        UserWarning: If a version is newer than any tried, or if both the
            ``onedl-*`` build and the original of a package are installed
            (both own the same import folder). Silenced by setting the
            environment variable ``MMAVS_IGNORE_VERSIONS``.
    """
    quiet = bool(os.environ.get(SILENCE_ENV))
    for title, (name, minimum, ceiling, dists) in _REQUIRED.items():
        try:
            module = importlib.import_module(name)
        except ImportError as error:
            raise ImportError(
                f'mmavs needs {title} >= {minimum}, but `import {name}` '
                f'failed ({error}). Fix: {_FIX}') from error
        _check_version(title, module.__version__, minimum, ceiling, quiet)
        if not quiet and all(_installed(dist) for dist in dists):
            warnings.warn(
                f'both {dists[0]} and {dists[1]} are installed and overwrite '
                f'each other\'s files. Fix: pip uninstall -y {dists[0]} '
                f'{dists[1]} && {_FIX}', stacklevel=3)


def _check_version(title: str, version: str, minimum: str, ceiling: str,
                   quiet: bool) -> None:
    from mmengine.utils import digit_version
    if digit_version(version) < digit_version(minimum):
        raise ImportError(f'mmavs needs {title} >= {minimum}, found '
                          f'{version}. Fix: {_FIX}')
    if not quiet and digit_version(version) >= digit_version(ceiling):
        warnings.warn(
            f'{title} {version} is newer than any version mmavs was tried '
            f'with (< {ceiling}); set {SILENCE_ENV}=1 to silence this.',
            stacklevel=4)
