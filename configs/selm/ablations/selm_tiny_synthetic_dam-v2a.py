# SelM at laptop size, synthetic set: DAM from picture to sound only.
_base_ = '../selm_tiny_synthetic.py'

model = dict(early_fusion=dict(directions=('v2a', )))
