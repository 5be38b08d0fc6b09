# SelM, PVT-v2-b5, S4: BCSM from sound to picture only.
_base_ = '../selm_pvt_s4.py'

model = dict(neck=dict(directions=('a2v', )))
