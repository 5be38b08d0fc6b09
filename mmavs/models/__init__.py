# Copyright (c) OpenMMLab. All rights reserved.
from .audio_encoders import *  # noqa: F401, F403
from .auxiliary_heads import *  # noqa: F401, F403
from .backbones import *  # noqa: F401, F403
from .data_preprocessors import *  # noqa: F401, F403
from .decode_heads import *  # noqa: F401, F403
from .losses import *  # noqa: F401, F403
from .necks import *  # noqa: F401, F403
from .segmentors import *  # noqa: F401, F403
