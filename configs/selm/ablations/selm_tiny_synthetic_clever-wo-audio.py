# SelM at laptop size, synthetic set: CLEVER without audio attention.
# Nothing reads the audio tokens after BCSM then, so its gates on them, which
# could never learn, are left out too.
_base_ = '../selm_tiny_synthetic.py'

model = dict(
    neck=dict(directions=('a2v', )),
    decode_head=dict(attentions=('visual', 'visual')))
