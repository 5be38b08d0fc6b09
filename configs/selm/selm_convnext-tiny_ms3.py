# Another backbone in three lines: any timm pyramid, widths are derived.
_base_ = './selm_pvt_ms3.py'
model = dict(backbone=dict(
    model_name='convnext_tiny', init_cfg=None, pretrained=True))
