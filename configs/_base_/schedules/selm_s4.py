# SelM on S4: 40 epochs of 4 clips (the paper's table of settings), AdamW at
# a constant rate, no warm-up, no clipping. The released script uses 2 clips.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=2e-5, weight_decay=0.05))
param_scheduler = None

train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=40, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=10),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='CheckpointHook',
        interval=1,
        max_keep_ckpts=2,  # the older one counts if the newer one breaks
        save_best='avsbench/J',
        rule='greater'),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    non_finite=dict(type='NonFiniteLossHook'),
    visualization=dict(type='AVSVisualizationHook', draw=False))

# What --auto-scale-lr divides by: the clips of a step, over all GPUs.
auto_scale_lr = dict(enable=False, base_batch_size=4)
