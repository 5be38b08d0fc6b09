# Copyright (c) OpenMMLab. All rights reserved.
import importlib
import warnings
from types import SimpleNamespace

import pytest

from mmavs.utils import check_dependencies, dependencies


@pytest.fixture
def modules(monkeypatch):
    """Versions that check_dependencies sees, by import name."""
    monkeypatch.delenv(dependencies.SILENCE_ENV, raising=False)
    versions = dict(mmengine='0.10.7', mmcv='2.1.0', mmseg='1.2.2')

    def import_module(name):
        if name not in versions:
            raise ImportError(f'No module named {name!r}')
        return SimpleNamespace(__version__=versions[name])

    monkeypatch.setattr(dependencies.importlib, 'import_module',
                        import_module)
    monkeypatch.setattr(dependencies, '_installed', lambda dist: False)
    return versions


def test_both_stacks_pass(modules):
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        check_dependencies()
        modules.update(mmengine='0.10.12', mmcv='2.3.6', mmseg='1.4.2')
        check_dependencies()


@pytest.mark.parametrize('name', ['mmengine', 'mmcv', 'mmseg'])
def test_missing_package_names_the_fix(modules, name):
    del modules[name]
    with pytest.raises(ImportError, match=r'pip install "mmavs\[onedl\]"'):
        check_dependencies()


def test_old_version_is_refused(modules):
    modules['mmcv'] = '2.0.1'
    with pytest.raises(ImportError, match='MMCV >= 2.1.0, found 2.0.1'):
        check_dependencies()


def test_new_version_only_warns_and_can_be_silenced(modules, monkeypatch):
    modules['mmseg'] = '9.0.0'
    with pytest.warns(UserWarning, match='MMSegmentation 9.0.0 is newer'):
        check_dependencies()
    monkeypatch.setenv(dependencies.SILENCE_ENV, '1')
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        check_dependencies()


def test_two_builds_of_one_package_are_reported(modules, monkeypatch):
    monkeypatch.setattr(dependencies, '_installed',
                        lambda dist: dist.endswith('mmengine'))
    with pytest.warns(UserWarning, match='onedl-mmengine and mmengine'):
        check_dependencies()


def test_installed_distributions_are_found():
    assert dependencies._installed('pytest')
    assert not dependencies._installed('no-such-distribution')
    assert importlib.util.find_spec('mmavs') is not None
