# A small encoder trained from scratch. Use: _base_ = [..., this file];
# model = dict(audio_encoder=_base_.audio_encoder)
audio_encoder = dict(
    _delete_=True,
    type='LogMelCNN',
    out_channels=128,
    width=32)
