# AVSBench MS3 as in avsbench_ms3_448, but each second's sound by itself, so
# that sound and frames do not drift apart.
_base_ = './avsbench_ms3_448.py'

train_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='LoadClipMasks', kind='binary'),
    dict(type='LoadClipAudio'),
    dict(type='ResizeFrames', size=448),
    dict(type='ResizeMasks', size=224),
    dict(type='LogMelSpectrogram', framing='second'),
    dict(type='PackAVSInputs'),
]
test_pipeline = train_pipeline

train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
