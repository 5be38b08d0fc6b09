# SelM at laptop size on the synthetic set: a few minutes on two CPU cores.
_base_ = [
    '../_base_/models/selm_tiny.py',
    '../_base_/datasets/synthetic_ms3_96.py',
    '../_base_/schedules/tiny.py',
    '../_base_/default_runtime.py',
]
