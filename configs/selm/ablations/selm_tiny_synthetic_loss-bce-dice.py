# SelM at laptop size, synthetic set: BCE and Dice, without the auxiliary loss.
_base_ = '../selm_tiny_synthetic.py'

model = dict(decode_head=dict(loss_aux=dict(heatmap=None)))
