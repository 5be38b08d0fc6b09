# Copyright (c) OpenMMLab. All rights reserved.
import os
from pathlib import Path

import pytest
from mmengine.registry import init_default_scope

REPO = Path(__file__).resolve().parents[1]


def pytest_addoption(parser):
    parser.addoption('--slow', action='store_true',
                     help='also run the tests marked slow')


def pytest_collection_modifyitems(config, items):
    if config.getoption('--slow'):
        return
    skip = pytest.mark.skip(reason='slow: run with --slow')
    for item in items:
        if 'slow' in item.keywords:
            item.add_marker(skip)


@pytest.fixture(autouse=True)
def _mmavs_scope():
    """Build from configs in the scope of mmavs, as the Runner does."""
    init_default_scope('mmavs')


@pytest.fixture(scope='session')
def repo_dir() -> Path:
    """The root of the checkout."""
    return REPO


@pytest.fixture(scope='session')
def shared_dir() -> Path:
    """Folder with reference outputs and real media (``MMAVS_SHARED``)."""
    folder = Path(os.environ.get('MMAVS_SHARED', REPO.parent / 'shared'))
    if not folder.is_dir():
        pytest.skip(f'no reference material: {folder} is absent '
                    '(set MMAVS_SHARED)')
    return folder
