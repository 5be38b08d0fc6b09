# SelM, ResNet-50, MS3 from the S4 weights (paper: 58.4 / 70.7). The log says
# what differs: the tables of positions for 28, 56, 112 are interpolated from
# 14, 28, 56, and the second doubling of the S4 mask head is left out.
_base_ = './selm_r50_ms3.py'

# the converted or trained S4 checkpoint; another place:
# --cfg-options load_from=PATH, or MMAVS_WEIGHTS=/path/to/weights
weights_dir = '{{$MMAVS_WEIGHTS:pretrained}}'
load_from = f'{weights_dir}/selm_r50_s4.pth'

default_hooks = dict(fit_checkpoint=dict(type='FitCheckpointHook'))
