# SelM, MobileNetV2 and YAMNet, RealMix.
_base_ = [
    '../_base_/models/selm_mobilenetv2.py',
    '../_base_/datasets/realmix.py',
    '../_base_/schedules/realmix.py',
    '../_base_/default_runtime.py',
]

# few objects: training the backbone too gained nothing
model = dict(backbone=dict(frozen_stages=4))
