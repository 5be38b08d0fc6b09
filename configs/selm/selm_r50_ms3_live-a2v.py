# SelM whose A2V direction hears, as the paper describes it: without the
# instance norm that turns a single token's value into 0. The parameters are
# those of selm_r50_ms3.
_base_ = './selm_r50_ms3.py'

model = dict(early_fusion=dict(value_norm='none'))
