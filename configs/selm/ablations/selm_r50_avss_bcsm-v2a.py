# SelM, ResNet-50, AVSS: BCSM from picture to sound only.
_base_ = '../selm_r50_avss.py'

model = dict(neck=dict(directions=('v2a', )))
