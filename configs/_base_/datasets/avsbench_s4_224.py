# AVSBench, single source (S4), as in avsbench_s4_448, but frames are fed at
# 224, the size the masks are judged at.
_base_ = './avsbench_ms3_448.py'

dataset_type = 'AVSBenchS4Dataset'
data_root = 'data/AVSBench/Single-source'

train_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='LoadClipMasks', kind='binary'),
    dict(type='LoadClipAudio'),
    dict(type='ResizeFrames', size=224),
    dict(type='ResizeMasks', size=224),
    dict(type='LogMelSpectrogram', framing='clip', pad='repeat'),
    dict(type='PackAVSInputs'),
]
test_pipeline = train_pipeline

train_dataloader = dict(
    dataset=dict(
        type=dataset_type, data_root=data_root, pipeline=train_pipeline))
val_dataloader = dict(
    dataset=dict(
        type=dataset_type, data_root=data_root, pipeline=test_pipeline))
test_dataloader = dict(
    dataset=dict(
        type=dataset_type, data_root=data_root, pipeline=test_pipeline))
