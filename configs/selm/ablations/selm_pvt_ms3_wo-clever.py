# SelM, PVT-v2-b5, MS3: AVSegFormer's decoder instead of CLEVER.
# The auxiliary loss is that decoder's own (its mixing loss), since it has no
# heat maps.
_base_ = '../selm_pvt_ms3.py'

model = dict(decode_head=dict(
    _delete_=True,
    type='AVSegFormerHead',
    logit_stride=2,
    loss_decode=dict(
        dice=dict(type='ClipDiceLoss', loss_weight=1.0),
        bce=dict(type='ClipBCELoss', loss_weight=1.0))))
