# SelM, PVT-v2-b5, S4: fusion after stage 4.
_base_ = '../selm_pvt_s4.py'

model = dict(early_fusion=dict(stages=(3,)))  # counted from 0
