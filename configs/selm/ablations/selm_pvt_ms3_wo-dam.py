# SelM, PVT-v2-b5, MS3: without DAM.
_base_ = '../selm_pvt_ms3.py'

model = dict(early_fusion=None)
