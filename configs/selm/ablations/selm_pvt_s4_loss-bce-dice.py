# SelM, PVT-v2-b5, S4: BCE and Dice, without the auxiliary loss.
_base_ = '../selm_pvt_s4.py'

model = dict(decode_head=dict(loss_aux=dict(heatmap=None)))
