# SelM at laptop size, synthetic set: BCSM from sound to picture only.
_base_ = '../selm_tiny_synthetic.py'

model = dict(neck=dict(directions=('a2v', )))
