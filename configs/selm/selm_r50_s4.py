# SelM, ResNet-50, S4 at 224.
_base_ = [
    '../_base_/models/selm_r50.py',
    '../_base_/datasets/avsbench_s4_224.py',
    '../_base_/schedules/selm_s4.py',
    '../_base_/default_runtime.py',
]
