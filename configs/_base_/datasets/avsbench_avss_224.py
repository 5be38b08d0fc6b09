# AVSBench-semantic (AVSS): v1s and v1m of 5 s, v2 of 10 s. The official crop,
# and zeros where the sound is too short. A clip a batch; what is not here is
# as in MS3.
_base_ = './avsbench_ms3_448.py'

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
    dataset=dict(
        type=dataset_type, data_root=data_root, pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=1,
    dataset=dict(
        type=dataset_type, data_root=data_root, pipeline=test_pipeline))
test_dataloader = dict(
    batch_size=1,
    dataset=dict(
        type=dataset_type, data_root=data_root, pipeline=test_pipeline))

val_evaluator = dict(
    _delete_=True,
    type='AVSSemanticMetric',
    protocol=['avsbench', 'dataset'])
test_evaluator = val_evaluator
