# SelM, PVT-v2-b5, MS3: BCE alone.
_base_ = '../selm_pvt_ms3.py'

model = dict(decode_head=dict(
    loss_decode=dict(dice=None), loss_aux=dict(heatmap=None)))
