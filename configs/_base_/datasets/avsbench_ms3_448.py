# AVSBench, multiple sources (MS3); the other settings of AVSBench inherit from
# it. Frames are fed at 448, masks judged at 224; no augmentation, examples
# every 0.96 s, as in the released data and code.
dataset_type = 'AVSBenchMS3Dataset'
data_root = 'data/AVSBench/Multi-sources'

train_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='LoadClipMasks', kind='binary'),
    dict(type='LoadClipAudio'),
    dict(type='ResizeFrames', size=448),
    dict(type='ResizeMasks', size=224),
    dict(type='LogMelSpectrogram', framing='clip', pad='repeat'),
    dict(type='PackAVSInputs'),
]
test_pipeline = train_pipeline

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
