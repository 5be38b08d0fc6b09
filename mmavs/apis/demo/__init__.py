# Copyright (c) OpenMMLab. All rights reserved.
"""The page of ``mmavs demo``."""
