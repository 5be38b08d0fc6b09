# SelM at laptop size, synthetic set: BCE alone.
_base_ = '../selm_tiny_synthetic.py'

model = dict(decode_head=dict(
    loss_decode=dict(dice=None), loss_aux=dict(heatmap=None)))
