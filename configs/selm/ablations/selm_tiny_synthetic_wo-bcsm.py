# SelM at laptop size, synthetic set: without BCSM.
_base_ = '../selm_tiny_synthetic.py'

model = dict(neck=None)
