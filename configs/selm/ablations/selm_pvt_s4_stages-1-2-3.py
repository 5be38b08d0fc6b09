# SelM, PVT-v2-b5, S4: fusion after stages 1 to 3.
_base_ = '../selm_pvt_s4.py'

model = dict(early_fusion=dict(stages=(0, 1, 2)))  # counted from 0
