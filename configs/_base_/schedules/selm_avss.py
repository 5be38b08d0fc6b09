# SelM on AVSS: 30 epochs, mixed precision, less weight decay (released code).
# It ran on 8 GPUs with a clip each; here a GPU takes one clip too.
_base_ = './selm_s4.py'

# bfloat16 runs on the CPU as well; the released code uses float16 on GPUs:
# --cfg-options optim_wrapper.dtype=float16
optim_wrapper = dict(
    type='AVSAmpOptimWrapper',
    dtype='bfloat16',
    optimizer=dict(weight_decay=0.01))
train_cfg = dict(max_epochs=30)
