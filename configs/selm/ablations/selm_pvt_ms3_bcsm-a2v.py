# SelM, PVT-v2-b5, MS3: BCSM from sound to picture only.
_base_ = '../selm_pvt_ms3.py'

model = dict(neck=dict(directions=('a2v', )))
