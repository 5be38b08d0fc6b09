# SelM, ResNet-50, MS3: frames at 448, masks at 224.
_base_ = [
    '../_base_/models/selm_r50.py',
    '../_base_/datasets/avsbench_ms3_448.py',
    '../_base_/schedules/selm_ms3.py',
    '../_base_/default_runtime.py',
]

# sizes of the released model
model = dict(
    decode_head=dict(
        pe_sizes=(28, 56, 112), upsample_steps=1, logit_stride=2))

# the backbone is frozen for the first 15 epochs (released code)
default_hooks = dict(
    unfreeze=dict(type='UnfreezeHook', module='backbone', epoch=15))
