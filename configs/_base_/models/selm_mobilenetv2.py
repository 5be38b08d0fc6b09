# SelM with MobileNetV2 and YAMNet, made for inputs of 256 and little data.
_base_ = './selm_r50.py'

# another place: MMAVS_WEIGHTS=/path/to/weights python tools/train.py ...
weights_dir = '{{$MMAVS_WEIGHTS:pretrained}}'

model = dict(
    backbone=dict(
        _delete_=True,
        type='TimmBackbone',
        model_name='mobilenetv2_100',
        timm_args=dict(pad_type='same'),
        norm_eval=True,  # the weights have folded statistics
        init_cfg=dict(
            type='Pretrained',
            checkpoint=f'{weights_dir}/mobilenetv2_100_timm_imagenet.pth')),
    audio_encoder=dict(
        _delete_=True,
        type='YAMNet',
        frozen=True,
        init_cfg=dict(
            type='Pretrained',
            checkpoint=f'{weights_dir}/yamnet_audioset.pth')),
    audio_projector=dict(out_channels=96),
    projector=dict(out_channels=96),
    decode_head=dict(
        pe_sizes=(16, 32, 64),  # for inputs of 256
        upsample_steps=1,
        logit_stride=2,
        gumbel=False))  # the noise slows training on little data down
