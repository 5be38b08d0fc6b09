# FiLM with a feature pyramid at laptop size on the synthetic set. Data,
# encoders and schedule are those of selm_tiny_synthetic.
_base_ = [
    '../_base_/models/film_fpn_tiny.py',
    '../_base_/datasets/synthetic_ms3_96.py',
    '../_base_/schedules/tiny.py',
    '../_base_/default_runtime.py',
]
