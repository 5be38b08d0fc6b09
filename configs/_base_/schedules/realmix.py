# Half an hour on two CPU cores from pretrained encoders: AdamW, a smaller
# rate for the backbone, warm-up and cosine, clipped gradients, and the mean of
# the last weights (the J of single epochs jumps with so few clips).
_base_ = './selm_s4.py'

max_epochs = 12

optim_wrapper = dict(
    optimizer=dict(type='AdamW', lr=4e-4, weight_decay=0.05),
    paramwise_cfg=dict(
        norm_decay_mult=0.0,
        custom_keys=dict(backbone=dict(lr_mult=0.25))),
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

custom_hooks = [dict(type='EMAHook', momentum=0.005)]
