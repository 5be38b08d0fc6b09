# SelM, PVT-v2-b5, MS3: DAM from sound to picture only.
# value_norm='none' is the live A2V: with the base's 'instance' this direction
# adds a constant, whatever the sound. Compare with the base under 'none'.
_base_ = '../selm_pvt_ms3.py'

model = dict(early_fusion=dict(directions=('a2v', ), value_norm='none'))
