# ResNet-18. Use: _base_ = [..., this file];
# model = dict(backbone=_base_.backbone)
backbone = dict(
    _delete_=True,
    type='TimmBackbone',
    model_name='resnet18',
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://download.pytorch.org/models/'
        'resnet18-f37072fd.pth'))
