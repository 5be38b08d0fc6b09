# SelM, PVT-v2-b5, S4: auxiliary loss times 0.5.
_base_ = '../selm_pvt_s4.py'

model = dict(decode_head=dict(loss_aux=dict(heatmap=dict(coefficient=0.5))))
