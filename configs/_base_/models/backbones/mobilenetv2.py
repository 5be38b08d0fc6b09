# MobileNetV2, width 1.0. Use: _base_ = [..., this file];
# model = dict(backbone=_base_.backbone)
backbone = dict(
    _delete_=True,
    type='TimmBackbone',
    model_name='mobilenetv2_100.ra_in1k',
    pretrained=True)  # downloaded by timm
