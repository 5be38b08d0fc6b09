# SelM, PVT-v2-b5, S4: CLEVER without visual attention.
# Without heat maps there is no auxiliary loss.
_base_ = '../selm_pvt_s4.py'

model = dict(decode_head=dict(
    attentions=('audio', 'audio'), loss_aux=dict(heatmap=None)))
