# As the paper describes A2V: without the instance norm that turns a single
# token's value into 0.
_base_ = './selm_mobilenetv2_realmix.py'

model = dict(early_fusion=dict(value_norm='none'))
