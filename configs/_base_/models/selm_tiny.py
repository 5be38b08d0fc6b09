# SelM for a laptop: all its parts at a quarter of their width, a small
# ConvNeXt and a small audio encoder, everything trained from scratch. No
# layer depends on the batch (LayerNorm and GroupNorm only).
_base_ = './selm_r50.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='TimmBackbone',
        model_name='convnext_atto',
        timm_args=dict(
            dims=(32, 64, 96, 128),
            depths=(1, 1, 2, 1),
            # the layer scale of 1e-6 is made for longer training
            ls_init_value=None)),
    audio_encoder=dict(
        _delete_=True, type='LogMelCNN', out_channels=128, width=32),
    audio_projector=dict(out_channels=64),
    # the direction from sound to picture is live, unlike the released one
    early_fusion=dict(value_norm='none'),
    projector=dict(out_channels=64),
    neck=dict(depth=1),
    decode_head=dict(
        pe_sizes=(6, 12, 24),  # for inputs of 96
        upsample_steps=1,
        audio_dropout=0.0,
        group_dropout=(0.0, 0.0, 0.0)))
