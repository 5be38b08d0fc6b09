# SelM at laptop size, synthetic set: DAM from sound to picture only.
# The base has the live A2V already.
_base_ = '../selm_tiny_synthetic.py'

model = dict(early_fusion=dict(directions=('a2v', )))
