# Copyright (c) OpenMMLab. All rights reserved.
"""mmavs: the OpenMMLab toolbox for audio-visual segmentation."""

from .utils.dependencies import check_dependencies
from .version import __version__

check_dependencies()

# MMEngine resolves `mmavs::config.py`, zoo names and the scope itself only
# for packages listed in this table.
from mmengine.config.utils import MODULE2PACKAGE  # noqa: E402

MODULE2PACKAGE.setdefault('mmavs', 'mmavs')

# Whichever door a checkpoint comes in by, nothing in it is executed.
from .io.checkpoint import install_safe_loader  # noqa: E402

install_safe_loader()

__all__ = ['__version__']
