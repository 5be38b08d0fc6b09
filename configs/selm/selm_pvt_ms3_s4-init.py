# SelM, PVT-v2-b5, MS3 from the S4 weights (paper: 63.4 / 73.3). The log says
# what differs: the second doubling of the mask head, which S4 does not have,
# starts anew.
_base_ = './selm_pvt_ms3.py'

# the converted or trained S4 checkpoint; another place:
# --cfg-options load_from=PATH, or MMAVS_WEIGHTS=/path/to/weights
weights_dir = '{{$MMAVS_WEIGHTS:pretrained}}'
load_from = f'{weights_dir}/selm_pvt_s4.pth'

default_hooks = dict(fit_checkpoint=dict(type='FitCheckpointHook'))
