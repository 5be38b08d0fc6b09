# AVSBench, single source (S4). Frames are fed at 448, masks judged at 224;
# no augmentation, examples every 0.96 s, as in the released data and code.
# Pipelines, loaders and metrics are those of MS3.
_base_ = './avsbench_ms3_448.py'

dataset_type = 'AVSBenchS4Dataset'
data_root = 'data/AVSBench/Single-source'

train_dataloader = dict(dataset=dict(type=dataset_type, data_root=data_root))
val_dataloader = dict(dataset=dict(type=dataset_type, data_root=data_root))
test_dataloader = dict(dataset=dict(type=dataset_type, data_root=data_root))
