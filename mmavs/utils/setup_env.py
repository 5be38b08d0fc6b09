# Copyright (c) OpenMMLab. All rights reserved.
"""Registration of every mmavs class at once."""

import importlib


def register_all_modules(init_default_scope: bool = True) -> None:
    """Import every room of mmavs, so that its classes are registered.

    Building from a config does this lazily; notebooks that build parts by
    hand call it once.

    Args:
        init_default_scope (bool): Whether to make ``mmavs`` the default
            scope of MMEngine. Defaults to True.
    """
    for room in ('apis', 'datasets', 'engine', 'evaluation', 'models',
                 'visualization'):
        importlib.import_module(f'mmavs.{room}')
    if init_default_scope:
        from mmengine.registry import init_default_scope as set_scope
        set_scope('mmavs')
