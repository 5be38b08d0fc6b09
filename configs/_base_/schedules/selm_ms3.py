# SelM on MS3: 100 epochs of 4 clips (paper). The released script uses 1 clip.
_base_ = './selm_s4.py'

train_cfg = dict(max_epochs=100)
