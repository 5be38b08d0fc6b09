# SelM, ResNet-50, AVSS: DAM from picture to sound only.
_base_ = '../selm_r50_avss.py'

model = dict(early_fusion=dict(directions=('v2a', )))
