# SelM, ResNet-50, AVSS: AVSegFormer's decoder instead of CLEVER.
# The auxiliary loss is that decoder's own (its mixing loss), since it has no
# heat maps.
_base_ = '../selm_r50_avss.py'

model = dict(decode_head=dict(
    _delete_=True,
    type='AVSegFormerHead',
    num_classes=71,
    loss_decode=dict(ce=dict(type='ClipCrossEntropyLoss', loss_weight=1.0))))
