# Copyright (c) OpenMMLab. All rights reserved.
"""The parts of :class:`mmavs.apis.AVSInferencer`."""
