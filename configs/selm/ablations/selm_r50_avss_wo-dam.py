# SelM, ResNet-50, AVSS: without DAM.
_base_ = '../selm_r50_avss.py'

model = dict(early_fusion=None)
