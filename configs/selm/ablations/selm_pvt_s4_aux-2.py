# SelM, PVT-v2-b5, S4: auxiliary loss times 2.
_base_ = '../selm_pvt_s4.py'

model = dict(decode_head=dict(loss_aux=dict(heatmap=dict(coefficient=2.0))))
