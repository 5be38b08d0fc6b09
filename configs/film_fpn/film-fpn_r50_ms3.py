# FiLM with a feature pyramid, ResNet-50, MS3: a baseline to beat. Data
# and schedule are SelM's, so that only the model differs.
_base_ = [
    '../_base_/models/film_fpn_r50.py',
    '../_base_/datasets/avsbench_ms3_448.py',
    '../_base_/schedules/selm_ms3.py',
    '../_base_/default_runtime.py',
]
