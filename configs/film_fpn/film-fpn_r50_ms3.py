# FiLM with a feature pyramid, ResNet-50, MS3: a baseline to beat. Data
# and schedule are SelM's, save that each second's sound stands by itself.
_base_ = [
    '../_base_/models/film_fpn_r50.py',
    '../_base_/datasets/avsbench_ms3_448_second.py',
    '../_base_/schedules/selm_ms3.py',
    '../_base_/default_runtime.py',
]
