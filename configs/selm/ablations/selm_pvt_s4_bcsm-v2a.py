# SelM, PVT-v2-b5, S4: BCSM from picture to sound only.
_base_ = '../selm_pvt_s4.py'

model = dict(neck=dict(directions=('v2a', )))
