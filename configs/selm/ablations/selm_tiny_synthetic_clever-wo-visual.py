# SelM at laptop size, synthetic set: CLEVER without visual attention.
# Without heat maps there is no auxiliary loss.
_base_ = '../selm_tiny_synthetic.py'

model = dict(decode_head=dict(
    attentions=('audio', 'audio'), loss_aux=dict(heatmap=None)))
