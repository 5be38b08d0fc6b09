# SelM, PVT-v2-b5, MS3: early fusion by addition.
_base_ = '../selm_pvt_ms3.py'

model = dict(early_fusion=dict(
    _delete_=True, type='AddFusion', stages=(0, 1, 2, 3)))
