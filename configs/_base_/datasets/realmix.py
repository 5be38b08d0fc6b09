# RealMix: real objects, backgrounds and recordings, paired at random, in MS3's
# layout. There is no test split. The log offset is YAMNet's.
dataset_type = 'AVSBenchMS3Dataset'
# another place: REALMIX_ROOT=/path/to/realmix python tools/train.py ...
data_root = '{{$REALMIX_ROOT:data/realmix}}'

train_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='LoadClipMasks', kind='binary'),
    dict(type='LoadClipAudio'),
    # few objects and backgrounds: strong augmentation of both modalities,
    # colours that say nothing, and windows as large as the tests show things
    dict(type='RandomClipFlip', prob=0.5),
    dict(type='RandomClipZoom', scale=(0.7, 2.0)),
    dict(
        type='ClipPhotometricJitter',
        brightness=0.5,
        contrast=0.5,
        saturation=1.0,
        hue=0.5),
    dict(type='RandomGain', gain_db=(-10, 6)),
    dict(type='RandomNoise', snr_db=(5, 40), prob=1.0),
    dict(type='RandomTimeShift', max_shift=0.25, prob=1.0),
    dict(type='ResizeFrames', size=192),
    dict(type='ResizeMasks', size=192),
    dict(type='LogMelSpectrogram', framing='second', log_offset=0.001),
    dict(type='PackAVSInputs'),
]
test_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='LoadClipMasks', kind='binary'),
    dict(type='LoadClipAudio'),
    dict(type='ResizeFrames', size=256),
    dict(type='LogMelSpectrogram', framing='second', log_offset=0.001),
    dict(type='PackAVSInputs'),
]

train_dataloader = dict(
    batch_size=2,  # few clips: more steps an epoch
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
