# SelM on RealMix with the class of what sounds (background and 4 kinds).
_base_ = [
    '../_base_/models/selm_mobilenetv2.py',
    '../_base_/datasets/realmix_semantic.py',
    '../_base_/schedules/realmix.py',
    '../_base_/default_runtime.py',
]

model = dict(
    decode_head=dict(
        num_classes=5,
        loss_decode=dict(
            _delete_=True,
            ce=dict(type='ClipCrossEntropyLoss', loss_weight=1.0))))
