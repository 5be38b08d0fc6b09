# SelM, PVT-v2-b5, MS3: auxiliary loss times 1.5.
_base_ = '../selm_pvt_ms3.py'

model = dict(decode_head=dict(loss_aux=dict(heatmap=dict(coefficient=1.5))))
