# The live direction from sound to picture, which selm_tiny_synthetic uses
# already: named as its siblings are, and fixed whatever the default becomes.
_base_ = './selm_tiny_synthetic.py'

model = dict(early_fusion=dict(value_norm='none'))
