# The plain baseline for a laptop, with the encoders of selm_tiny.
_base_ = './film_fpn_r50.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='TimmBackbone',
        model_name='convnext_atto',
        timm_args=dict(
            dims=(32, 64, 96, 128),
            depths=(1, 1, 2, 1),
            ls_init_value=None)),
    audio_encoder=dict(
        _delete_=True, type='LogMelCNN', out_channels=128, width=32),
    audio_projector=dict(out_channels=64),
    decode_head=dict(channels=64))
