# SelM, PVT-v2-b5, MS3: fusion after stage 4.
_base_ = '../selm_pvt_ms3.py'

model = dict(early_fusion=dict(stages=(3,)))  # counted from 0
