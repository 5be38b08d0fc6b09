# SelM, PVT-v2-b5, MS3: DAM from picture to sound only.
_base_ = '../selm_pvt_ms3.py'

model = dict(early_fusion=dict(directions=('v2a', )))
