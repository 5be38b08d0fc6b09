# SelM, MobileNetV2 and YAMNet, RealMix.
_base_ = [
    '../_base_/models/selm_mobilenetv2.py',
    '../_base_/datasets/realmix.py',
    '../_base_/schedules/realmix.py',
    '../_base_/default_runtime.py',
]
