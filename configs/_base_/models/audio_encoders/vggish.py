# VGGish, frozen. Use: _base_ = [..., this file];
# model = dict(audio_encoder=_base_.audio_encoder)
audio_encoder = dict(
    _delete_=True,
    type='VGGish',
    frozen=True,
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://github.com/harritaylor/torchvggish/releases/'
        'download/v0.1/vggish-10086976.pth'))
