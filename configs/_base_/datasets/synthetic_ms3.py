# Written by `python -m mmavs.datasets.synthetic`; the size of its frames. The
# other layouts inherit from it.
dataset_type = 'AVSBenchMS3Dataset'
data_root = 'data/synthetic/Multi-sources'

train_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='LoadClipMasks', kind='binary'),
    dict(type='LoadClipAudio'),
    dict(type='RandomClipFlip', prob=0.5),
    dict(type='ResizeFrames', size=128),
    dict(type='ResizeMasks', size=128),
    dict(type='LogMelSpectrogram', framing='second'),
    dict(type='PackAVSInputs'),
]
test_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='LoadClipMasks', kind='binary'),
    dict(type='LoadClipAudio'),
    dict(type='ResizeFrames', size=128),
    dict(type='ResizeMasks', size=128),
    dict(type='LogMelSpectrogram', framing='second'),
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
        pipeline=test_pipeline,
        test_mode=True))
test_dataloader = dict(
    batch_size=4,
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
    type='AVSBinaryMetric', protocol=['avsbench', 'dataset'],
    clips_per_group=4)
test_evaluator = val_evaluator
