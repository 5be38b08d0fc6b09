# SelM, ResNet-50, AVSS (semantic) at 224.
_base_ = [
    '../_base_/models/selm_r50.py',
    '../_base_/datasets/avsbench_avss_224.py',
    '../_base_/schedules/selm_avss.py',
    '../_base_/default_runtime.py',
]

num_classes = 71  # background and 70 kinds
model = dict(
    data_preprocessor=dict(pad_to=10),  # v1 clips have 5 s, v2 clips 10
    decode_head=dict(
        num_classes=num_classes,
        loss_decode=dict(
            _delete_=True,
            ce=dict(type='ClipCrossEntropyLoss', loss_weight=1.0))))
