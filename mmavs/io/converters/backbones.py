# Copyright (c) OpenMMLab. All rights reserved.
"""Names of PVT-v2 and ResNet in AVSBench's models, mapped to timm's.

Each rule is (pattern, timm name); <n> is group n of the pattern and <n-1>
the same, counted from 0.
"""

# whai362/PVT and every AVS repository, to timm's pvt_v2_*.
PVT_V2_RULES = (
    (r'patch_embed1\.', 'patch_embed.'),
    (r'patch_embed([234])\.', 'stages.<1-1>.downsample.'),
    (r'block([1234])\.(\d+)\.mlp\.dwconv\.dwconv\.',
     'stages.<1-1>.blocks.<2>.mlp.dwconv.'),
    (r'block([1234])\.(\d+)\.', 'stages.<1-1>.blocks.<2>.'),
    (r'norm([1234])\.', 'stages.<1-1>.norm.'),
)

# AVSBench's "B2_ResNet" to torchvision's and timm's resnet50. The second
# branch (layer3_2, layer4_2) never runs and has no rule.
RESNET_RULES = (
    (r'layer([34])_1\.', 'layer<1>.'),
    (r'(conv1|bn1|layer[12])\.', '<1>.'),
)
