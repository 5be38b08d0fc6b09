# AVSBench-semantic (AVSS): v1s and v1m of 5 s, v2 of 10 s. The official crop,
# and zeros where the sound is too short.
dataset_type = 'AVSBenchSemanticDataset'
data_root = 'data/AVSBench/AVSS'

train_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='LoadClipMasks', kind='semantic'),
    dict(type='LoadClipAudio'),
    dict(type='AVSSCrop', size=224, training=True),
    dict(type='LogMelSpectrogram', framing='clip', pad='zero'),
    dict(type='PackAVSInputs'),
]
test_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='LoadClipMasks', kind='semantic'),
    dict(type='LoadClipAudio'),
    dict(type='AVSSCrop', size=224, training=False),
    dict(type='LogMelSpectrogram', framing='clip', pad='zero'),
    dict(type='PackAVSInputs'),
]

train_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='ClipSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split='train',
        pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='ClipSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split='val',
        pipeline=test_pipeline,
        test_mode=True))
test_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='ClipSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split='test',
        pipeline=test_pipeline,
        test_mode=True))

val_evaluator = dict(
    type='AVSSemanticMetric', protocol=['avsbench', 'dataset'])
test_evaluator = val_evaluator
