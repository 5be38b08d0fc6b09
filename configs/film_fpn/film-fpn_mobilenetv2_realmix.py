# FiLM with a feature pyramid on RealMix, trained as selm_mobilenetv2_realmix
# is, but with the backbone: frozen (model.backbone.frozen_stages=4) it loses.
_base_ = [
    '../_base_/models/film_fpn_mobilenetv2.py',
    '../_base_/datasets/realmix.py',
    '../_base_/schedules/realmix.py',
    '../_base_/default_runtime.py',
]
