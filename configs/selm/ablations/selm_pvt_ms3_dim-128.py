# SelM, PVT-v2-b5, MS3: tokens of 128 channels.
_base_ = '../selm_pvt_ms3.py'

model = dict(
    audio_projector=dict(out_channels=128), projector=dict(out_channels=128))
