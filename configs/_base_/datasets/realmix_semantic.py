# RealMix with the class of what sounds, from gt_semantic.
_base_ = './realmix.py'

metainfo = dict(
    classes=('background', 'dog', 'bird', 'vehicle', 'person'))

train_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='LoadClipMasks', kind='index', num_classes=5),
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
    dict(type='LoadClipMasks', kind='index', num_classes=5),
    dict(type='LoadClipAudio'),
    dict(type='ResizeFrames', size=256),
    dict(type='LogMelSpectrogram', framing='second', log_offset=0.001),
    dict(type='PackAVSInputs'),
]

labels = dict(mask_dir='gt_semantic', metainfo=metainfo)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline, **labels))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline, **labels))
test_dataloader = val_dataloader

val_evaluator = dict(
    _delete_=True,
    type='AVSSemanticMetric',
    protocol=['avsbench', 'dataset'],
    pad_to=None)
test_evaluator = val_evaluator
