# PVT-v2-b0. Use: _base_ = [..., this file];
# model = dict(backbone=_base_.backbone)
backbone = dict(
    _delete_=True,
    type='TimmBackbone',
    model_name='pvt_v2_b0',
    drop_path_rate=0.1,
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://github.com/whai362/PVT/releases/download/v2/'
        'pvt_v2_b0.pth'))
