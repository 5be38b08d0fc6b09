# Written by `python -m mmavs.datasets.synthetic`; the size of its frames.
# What is not here is as in synthetic_ms3.
_base_ = './synthetic_ms3.py'

dataset_type = 'AVSBenchSemanticDataset'
data_root = 'data/synthetic/AVSS'

train_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='LoadClipMasks', kind='semantic'),
    dict(type='LoadClipAudio'),
    dict(type='RandomClipFlip', prob=0.5),
    dict(type='AVSSCrop', size=128, training=True),
    dict(type='LogMelSpectrogram', framing='second'),
    dict(type='PackAVSInputs'),
]
test_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='LoadClipMasks', kind='semantic'),
    dict(type='LoadClipAudio'),
    dict(type='AVSSCrop', size=128, training=False),
    dict(type='LogMelSpectrogram', framing='second'),
    dict(type='PackAVSInputs'),
]

train_dataloader = dict(
    dataset=dict(
        type=dataset_type, data_root=data_root, pipeline=train_pipeline))
val_dataloader = dict(
    dataset=dict(
        type=dataset_type, data_root=data_root, pipeline=test_pipeline))
test_dataloader = dict(
    dataset=dict(
        type=dataset_type, data_root=data_root, pipeline=test_pipeline))

val_evaluator = dict(
    _delete_=True,
    type='AVSSemanticMetric',
    protocol=['avsbench', 'dataset'])
test_evaluator = val_evaluator
