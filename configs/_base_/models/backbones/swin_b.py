# Swin-B; takes any input size. Use: _base_ = [..., this file];
# model = dict(backbone=_base_.backbone)
backbone = dict(
    _delete_=True,
    type='TimmBackbone',
    model_name='swin_base_patch4_window7_224.ms_in22k_ft_in1k',
    drop_path_rate=0.1,
    pretrained=True)  # downloaded by timm
