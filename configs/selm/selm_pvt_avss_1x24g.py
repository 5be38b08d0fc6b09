# SelM, PVT-v2-b5, AVSS on one GPU with 24 GB: bfloat16, the activations of
# backbone and decoder computed again in the backward pass, and the clips of 8
# GPUs one after the other before each step of the optimiser.
_base_ = './selm_pvt_avss.py'

model = dict(
    backbone=dict(with_cp=True),
    decode_head=dict(with_cp=True))

optim_wrapper = dict(accumulative_counts=8)
