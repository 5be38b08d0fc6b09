# SelM at laptop size, synthetic set: AVSegFormer's decoder instead of CLEVER,
# with fewer queries and layers, at CLEVER's width. The auxiliary loss is that
# decoder's own (its mixing loss), since it has no heat maps.
_base_ = '../selm_tiny_synthetic.py'

model = dict(decode_head=dict(
    _delete_=True,
    type='AVSegFormerHead',
    num_queries=50,
    num_layers=3,
    ffn_channels=256,
    logit_stride=2,
    loss_decode=dict(
        dice=dict(type='ClipDiceLoss', loss_weight=1.0),
        bce=dict(type='ClipBCELoss', loss_weight=1.0))))
