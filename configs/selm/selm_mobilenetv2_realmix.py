# SelM, MobileNetV2 and YAMNet, RealMix.
_base_ = [
    '../_base_/models/selm_mobilenetv2.py',
    '../_base_/datasets/realmix.py',
    '../_base_/schedules/realmix.py',
    '../_base_/default_runtime.py',
]

# J on val: 0.529 frozen, 0.508 trained (one seed each)
model = dict(backbone=dict(frozen_stages=4))
