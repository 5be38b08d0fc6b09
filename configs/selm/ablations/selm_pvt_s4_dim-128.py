# SelM, PVT-v2-b5, S4: tokens of 128 channels.
_base_ = '../selm_pvt_s4.py'

model = dict(
    audio_projector=dict(out_channels=128), projector=dict(out_channels=128))
