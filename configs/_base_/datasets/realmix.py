# RealMix: real objects, backgrounds and recordings, paired at random, in MS3's
# layout. There is no test split. The log offset is YAMNet's.
dataset_type = 'AVSBenchMS3Dataset'
data_root = 'data/realmix'

train_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='LoadClipMasks', kind='binary'),
    dict(type='LoadClipAudio'),
    dict(type='RandomClipFlip', prob=0.5),
    dict(type='ClipPhotometricJitter'),
    dict(type='RandomGain', gain_db=(-6, 6)),
    dict(type='RandomNoise', snr_db=(10, 40), prob=0.5),
    dict(type='ResizeFrames', size=224),
    dict(type='ResizeMasks', size=224),
    dict(type='LogMelSpectrogram', framing='second', log_offset=0.001),
    dict(type='PackAVSInputs'),
]
test_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='LoadClipMasks', kind='binary'),
    dict(type='LoadClipAudio'),
    dict(type='ResizeFrames', size=224),
    dict(type='ResizeMasks', size=224),
    dict(type='LogMelSpectrogram', framing='second', log_offset=0.001),
    dict(type='PackAVSInputs'),
]

train_dataloader = dict(
    batch_size=4,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='ClipSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split='train',
        img_suffix='.jpg',
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=4,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='ClipSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split='val',
        img_suffix='.jpg',
        pipeline=test_pipeline,
        test_mode=True))
test_dataloader = val_dataloader

val_evaluator = dict(
    type='AVSBinaryMetric', protocol=['avsbench', 'dataset'],
    clips_per_group=4)
test_evaluator = val_evaluator
