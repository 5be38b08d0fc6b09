# FiLM with a feature pyramid on RealMix, trained exactly as
# selm_mobilenetv2_realmix.
_base_ = [
    '../_base_/models/film_fpn_mobilenetv2.py',
    '../_base_/datasets/realmix.py',
    '../_base_/schedules/realmix.py',
    '../_base_/default_runtime.py',
]

model = dict(backbone=dict(frozen_stages=4))
