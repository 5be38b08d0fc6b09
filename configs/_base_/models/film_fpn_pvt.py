# The plain baseline with PVT-v2-b5.
_base_ = './film_fpn_r50.py'

model = dict(
    backbone=dict(
        model_name='pvt_v2_b5',
        drop_path_rate=0.1,
        init_cfg=dict(
            checkpoint='https://github.com/whai362/PVT/releases/download/'
            'v2/pvt_v2_b5.pth')))
