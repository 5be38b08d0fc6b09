# SelM, PVT-v2-b5, S4: fusion after stages 2 to 4.
_base_ = '../selm_pvt_s4.py'

model = dict(early_fusion=dict(stages=(1, 2, 3)))  # counted from 0
