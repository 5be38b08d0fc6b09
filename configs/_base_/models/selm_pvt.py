# SelM with PVT-v2-b5, for inputs of 224 (the setting of AVSS).
_base_ = './selm_r50.py'

model = dict(
    backbone=dict(
        model_name='pvt_v2_b5',
        drop_path_rate=0.1,  # 0 in the first block to 0.1 in the last
        init_cfg=dict(
            checkpoint='https://github.com/whai362/PVT/releases/download/'
            'v2/pvt_v2_b5.pth')))
