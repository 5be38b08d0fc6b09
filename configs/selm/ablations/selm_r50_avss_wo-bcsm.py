# SelM, ResNet-50, AVSS: without BCSM.
_base_ = '../selm_r50_avss.py'

model = dict(neck=None)
