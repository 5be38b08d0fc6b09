# SelM, PVT-v2-b5, MS3: CLEVER without visual attention.
# Without heat maps there is no auxiliary loss.
_base_ = '../selm_pvt_ms3.py'

model = dict(decode_head=dict(
    attentions=('audio', 'audio'), loss_aux=dict(heatmap=None)))
