# Copyright (c) OpenMMLab. All rights reserved.
import mmengine.registry
import pytest
from mmengine.config.utils import MODULE2PACKAGE
from mmengine.registry import DefaultScope, Registry

from mmavs import registry
from mmavs.utils import register_all_modules

ROOTS = [name for name, value in vars(mmengine.registry).items()
         if isinstance(value, Registry) and name.isupper()]


@pytest.mark.parametrize('name', ROOTS)
def test_every_registry_of_mmengine_has_a_child(name):
    root, child = getattr(mmengine.registry, name), getattr(registry, name)
    assert child.parent is root
    assert child.scope == 'mmavs'
    assert root.children['mmavs'] is child


def test_functions_is_among_them():
    assert 'FUNCTIONS' in ROOTS and len(ROOTS) >= 20


def test_mmengine_knows_the_scope():
    assert MODULE2PACKAGE['mmavs'] == 'mmavs'


def test_parts_are_found_by_name_alone():
    for place, name in [('MODELS', 'AVSegmentor'), ('MODELS', 'DAM'),
                        ('MODELS', 'BCSM'), ('MODELS', 'CLEVERHead'),
                        ('DATASETS', 'AVSBenchMS3Dataset'),
                        ('TRANSFORMS', 'LogMelSpectrogram'),
                        ('METRICS', 'AVSBinaryMetric'),
                        ('RUNNERS', 'AVSRunner')]:
        assert getattr(registry, place).get(name) is not None
        root = getattr(mmengine.registry, place)
        assert root.get(f'mmavs.{name}') is not None


def test_register_all_modules_sets_the_scope():
    register_all_modules()
    assert DefaultScope.get_current_instance().scope_name == 'mmavs'
    assert 'AVSVisualizer' in registry.VISUALIZERS.module_dict
