# The plain baseline: sound scales and shifts each map of ResNet-50, a light
# feature pyramid draws the mask.
model = dict(
    type='AVSegmentor',
    data_preprocessor=dict(
        type='AVSDataPreprocessor',
        mean=(123.675, 116.28, 103.53),  # ImageNet, RGB
        std=(58.395, 57.12, 57.375)),
    backbone=dict(
        type='TimmBackbone',
        model_name='resnet50',
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://download.pytorch.org/models/'
            'resnet50-0676ba61.pth')),
    audio_encoder=dict(
        type='VGGish',
        frozen=True,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://github.com/harritaylor/torchvggish/releases/'
            'download/v0.1/vggish-10086976.pth')),
    audio_projector=dict(type='AudioProjector', out_channels=256),
    early_fusion=dict(type='FiLMFusion', stages=(0, 1, 2, 3)),
    decode_head=dict(
        type='FPNHead',
        channels=128,
        num_classes=1,
        loss_decode=dict(
            dice=dict(type='ClipDiceLoss', loss_weight=1.0),
            bce=dict(type='ClipBCELoss', loss_weight=1.0))))
