# Copyright (c) OpenMMLab. All rights reserved.
import pickle
import runpy
import sys

import pytest
import torch
from PIL import Image

from mmavs.apis import AVSInferencer, init_model
from mmavs.datasets.synthetic import write_synthetic

CONFIG = 'configs/film_fpn/film-fpn_tiny_synthetic.py'


def test_a_frames_folder_with_its_wav_gives_what_tools_test_gives(
        repo_dir, tmp_path, monkeypatch):
    # Frames of the size in which the config judges masks.
    write_synthetic(root=str(tmp_path), layouts=['ms3'], num_train=1,
                    num_val=1, num_test=2, size=96, workers=1)
    torch.manual_seed(0)
    checkpoint, dump = tmp_path / 'tiny.pth', tmp_path / 'all.pkl'
    torch.save(dict(state_dict=init_model(repo_dir / CONFIG).state_dict()),
               checkpoint)
    monkeypatch.setattr(sys, 'argv', [
        'test.py', str(repo_dir / CONFIG), str(checkpoint), '--work-dir',
        str(tmp_path / 'work'), '--dump', str(dump), '--cfg-options',
        f'test_dataloader.dataset.data_root={tmp_path}/Multi-sources',
        'test_dataloader.num_workers=0',
        'test_dataloader.persistent_workers=False'])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(repo_dir / 'tools' / 'test.py'),
                       run_name='__main__')
    assert ended.value.code == 0
    with open(dump, 'rb') as file:
        samples = pickle.load(file)  # our own file
    assert len(samples) == 2
    inferencer = AVSInferencer(repo_dir / CONFIG, checkpoint, 'cpu',
                               show_progress=False)
    for index, sample in enumerate(samples):
        folder = tmp_path / f'frames_{index}'
        folder.mkdir()
        for number, path in enumerate(sample['frame_paths']):
            Image.open(path).save(folder / f'{number}.png')
        result = inferencer((folder, sample['audio_path']),
                            return_datasamples=True)
        (found, ) = result['predictions'][0]['data_samples']
        torch.testing.assert_close(found.seg_logits, sample['seg_logits'],
                                   atol=1e-4, rtol=0)
        assert found.seg_logits.std() > 0
        # Not to the last pixel: a score of 0 may fall on either side.
        same = found.pred_sem_seg == sample['pred_sem_seg']
        assert same[found.seg_logits[:, 0].abs() > 1e-3].all()
