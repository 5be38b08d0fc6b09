# SelM at laptop size, synthetic set: without DAM.
_base_ = '../selm_tiny_synthetic.py'

model = dict(early_fusion=None)
