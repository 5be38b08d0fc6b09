# Copyright (c) OpenMMLab. All rights reserved.
from .deformable_attention import (
    MultiScaleDeformableAttention,
    cell_centres,
    deformable_sampling,
    sine_positions,
)
from .mamba import Mamba
from .mlp import MLP, GroupNorm, group_norm
from .precision import full_precision
from .selective_scan import (
    selective_scan,
    selective_scan_reference,
    selective_scan_torch,
)
from .stacked import (
    stack_parameters,
    stacked_layer_norm,
    stacked_linear,
    stacked_mamba,
)
from .upsampling import (
    upsampled_conv,
    upsampled_conv_reference,
    upsampled_conv_winograd,
)

__all__ = [
    'GroupNorm', 'MLP', 'Mamba', 'MultiScaleDeformableAttention',
    'cell_centres', 'deformable_sampling', 'full_precision', 'group_norm',
    'selective_scan', 'selective_scan_reference', 'selective_scan_torch',
    'sine_positions', 'stack_parameters', 'stacked_layer_norm',
    'stacked_linear', 'stacked_mamba', 'upsampled_conv',
    'upsampled_conv_reference', 'upsampled_conv_winograd'
]
