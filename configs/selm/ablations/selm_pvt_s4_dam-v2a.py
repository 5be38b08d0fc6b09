# SelM, PVT-v2-b5, S4: DAM from picture to sound only.
_base_ = '../selm_pvt_s4.py'

model = dict(early_fusion=dict(directions=('v2a', )))
