# SelM at laptop size, synthetic set: BCSM from picture to sound only.
_base_ = '../selm_tiny_synthetic.py'

model = dict(neck=dict(directions=('v2a', )))
