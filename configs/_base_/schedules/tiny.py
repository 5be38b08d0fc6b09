# A few minutes on two CPU cores, from scratch: AdamW with warm-up and cosine.
_base_ = './selm_s4.py'

max_epochs = 5

optim_wrapper = dict(
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.05),
    clip_grad=dict(max_norm=1.0))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=100),
    dict(
        type='CosineAnnealingLR',
        T_max=max_epochs,
        eta_min_ratio=0.01,
        by_epoch=True,
        convert_to_iter_based=True),
]

train_cfg = dict(max_epochs=max_epochs, val_interval=2)

default_hooks = dict(checkpoint=dict(interval=2))
