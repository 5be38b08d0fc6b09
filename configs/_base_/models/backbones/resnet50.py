# ResNet-50. Use: _base_ = [..., this file];
# model = dict(backbone=_base_.backbone)
backbone = dict(
    _delete_=True,
    type='TimmBackbone',
    model_name='resnet50',
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://download.pytorch.org/models/'
        'resnet50-0676ba61.pth'))
