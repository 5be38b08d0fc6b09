# SelM, PVT-v2-b5, MS3: BCSM from picture to sound only.
_base_ = '../selm_pvt_ms3.py'

model = dict(neck=dict(directions=('v2a', )))
