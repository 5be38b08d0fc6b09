# SelM with ResNet-50, for inputs of 224 (the setting of S4).
# SelM: Selective Mechanism based Audio-Visual Segmentation, ACM MM 2024.
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
    early_fusion=dict(
        type='DAM',
        stages=(0, 1, 2, 3),
        directions=('a2v', 'v2a'),
        # as released: with one token a second A2V adds a constant;
        # 'none' is the live direction of the paper
        value_norm='instance'),
    projector=dict(type='ChannelProjector', out_channels=256),
    neck=dict(type='BCSM', directions=('a2v', 'v2a'), residual='norm'),
    decode_head=dict(
        type='CLEVERHead',
        num_classes=1,
        pe_sizes=(14, 28, 56),
        upsample_steps=2,
        logit_stride=1,
        loss_decode=dict(
            dice=dict(type='ClipDiceLoss', loss_weight=1.0),
            bce=dict(type='ClipBCELoss', loss_weight=1.0)),
        loss_aux=dict(
            heatmap=dict(
                type='HeatmapDiceLoss',
                weights=(0.001, 0.01, 0.1),
                coefficient=1.0,
                heat_sigmoid=True))))
