# MambaOut-T. Use: _base_ = [..., this file];
# model = dict(backbone=_base_.backbone)
backbone = dict(
    _delete_=True,
    type='TimmBackbone',
    model_name='mambaout_tiny.in1k',
    drop_path_rate=0.1,
    pretrained=True)  # downloaded by timm
