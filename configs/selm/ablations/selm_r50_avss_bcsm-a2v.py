# SelM, ResNet-50, AVSS: BCSM from sound to picture only.
_base_ = '../selm_r50_avss.py'

model = dict(neck=dict(directions=('a2v', )))
