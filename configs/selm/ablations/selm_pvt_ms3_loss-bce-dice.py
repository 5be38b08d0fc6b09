# SelM, PVT-v2-b5, MS3: BCE and Dice, without the auxiliary loss.
_base_ = '../selm_pvt_ms3.py'

model = dict(decode_head=dict(loss_aux=dict(heatmap=None)))
