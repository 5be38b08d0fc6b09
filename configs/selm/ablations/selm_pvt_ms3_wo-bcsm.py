# SelM, PVT-v2-b5, MS3: without BCSM.
_base_ = '../selm_pvt_ms3.py'

model = dict(neck=None)
