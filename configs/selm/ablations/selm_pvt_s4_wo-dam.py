# SelM, PVT-v2-b5, S4: without DAM.
_base_ = '../selm_pvt_s4.py'

model = dict(early_fusion=None)
