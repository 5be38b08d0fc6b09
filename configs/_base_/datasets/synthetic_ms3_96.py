# The synthetic set for a model that trains on a laptop: frames are fed at 96,
# masks judged at the 128 that they are stored in.
_base_ = './synthetic_ms3.py'

train_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='LoadClipMasks', kind='binary'),
    dict(type='LoadClipAudio'),
    dict(type='RandomClipFlip', prob=0.5),
    dict(type='ResizeFrames', size=96),
    dict(type='ResizeMasks', size=96),
    dict(type='LogMelSpectrogram', framing='second'),
    dict(type='PackAVSInputs'),
]
test_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='LoadClipMasks', kind='binary'),
    dict(type='LoadClipAudio'),
    dict(type='ResizeFrames', size=96),
    dict(type='LogMelSpectrogram', framing='second'),
    dict(type='PackAVSInputs'),
]

train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
