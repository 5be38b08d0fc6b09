# As SelM's checkpoints compute it: with one audio token a second, DAM's
# direction from sound to picture adds a constant (see DAM).
_base_ = './selm_tiny_synthetic.py'

model = dict(early_fusion=dict(value_norm='instance'))
