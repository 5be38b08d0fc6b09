# SelM, PVT-v2-b5, S4: frames at 448, masks at 224.
_base_ = [
    '../_base_/models/selm_pvt.py',
    '../_base_/datasets/avsbench_s4_448.py',
    '../_base_/schedules/selm_s4.py',
    '../_base_/default_runtime.py',
]

# sizes of the released model
model = dict(
    decode_head=dict(
        pe_sizes=(28, 56, 112), upsample_steps=1, logit_stride=2))
