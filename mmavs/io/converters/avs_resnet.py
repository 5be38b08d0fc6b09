# Copyright (c) OpenMMLab. All rights reserved.
"""The ResNet of AVSBench's code ("B2_ResNet"), mapped to torchvision's."""

import re

# Stages 3 and 4 exist twice; the second branch is loaded and never run.
DEAD_BRANCH = re.compile(r'^layer[34]_2\.')


def avs_resnet_name(name: str) -> str:
    """One name as torchvision's and timm's: ``layer3_1`` is ``layer3``.

    Names of the dead branch have no counterpart; see :data:`DEAD_BRANCH`.
    """
    return re.sub(r'^layer([34])_1\.', r'layer\1.', name)
