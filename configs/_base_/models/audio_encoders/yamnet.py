# YAMNet, frozen. Use: _base_ = [..., this file];
# model = dict(audio_encoder=_base_.audio_encoder)
audio_encoder = dict(
    _delete_=True,
    type='YAMNet',
    log_offset=0.01,  # of the data sets' configs; converted to YAMNet's own
    frozen=True,
    init_cfg=dict(
        type='Pretrained',
        # names c.0 .. c.26 and fc, BatchNorm folded; see YAMNet's docstring
        checkpoint='pretrained/yamnet_audioset.pth'))
