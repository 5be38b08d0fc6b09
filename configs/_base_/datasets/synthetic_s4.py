# Written by `python -m mmavs.datasets.synthetic`; the size of its frames.
# Pipelines, loaders and metrics are those of synthetic_ms3.
_base_ = './synthetic_ms3.py'

dataset_type = 'AVSBenchS4Dataset'
data_root = 'data/synthetic/Single-source'

train_dataloader = dict(dataset=dict(type=dataset_type, data_root=data_root))
val_dataloader = dict(dataset=dict(type=dataset_type, data_root=data_root))
test_dataloader = dict(dataset=dict(type=dataset_type, data_root=data_root))
