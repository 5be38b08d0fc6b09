# SelM, PVT-v2-b5, S4: without BCSM.
_base_ = '../selm_pvt_s4.py'

model = dict(neck=None)
