# Copyright (c) OpenMMLab. All rights reserved.
import os
import pickle

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import wavfile

from mmavs.datasets.check import check_data_set, find_data_sets
from mmavs.datasets.check_files import CheckOptions

from .layouts import write_avss, write_ms3, write_s4


def _problems(root, layout, **options):
    report = check_data_set(str(root), layout,
                            options=CheckOptions(**options))
    return {(p.split, p.kind, p.sort, os.path.basename(p.path))
            for p in report.problems}, report


@pytest.mark.parametrize('write, layout, counts', [
    (write_s4, 's4', dict(frames=15, masks=15, wav=3, log_mel=3)),
    (write_ms3, 'ms3', dict(frames=15, masks=15, wav=3)),
    (write_avss, 'avss', dict(frames=15, masks=15, wav=2))])
def test_a_whole_data_set_is_accepted(tmp_path, write, layout, counts):
    found, report = _problems(write(tmp_path), layout)
    assert not found
    for kind, count in counts.items():
        assert report.files[layout, 'val', kind] == count
    assert report.files[layout, 'val', 'log_mel'] == counts.get('log_mel', 0)
    assert ('train' in dict(report.clips)) is False
    assert report.clips[layout, 'train'] > 0


def test_everything_wrong_is_found(tmp_path):
    write_s4(tmp_path)
    place = tmp_path / 's4_data'
    dog = 'val/dog_barking/ccccccccccc'
    car = 'val/race_car/eeeeeeeeeee'
    frames, masks = place / 'visual_frames', place / 'gt_masks'
    (frames / dog / 'ccccccccccc_2.png').unlink()
    cut = frames / dog / 'ccccccccccc_3.png'
    cut.write_bytes(cut.read_bytes()[:200])
    Image.new('RGB', (9, 9)).save(frames / dog / 'ccccccccccc_4.png')
    (masks / car / 'eeeeeeeeeee_5.png').unlink()
    Image.fromarray(np.ones((4, 4), np.uint8)).save(
        masks / car / 'eeeeeeeeeee_4.png')
    wavfile.write(place / 'audio_wav' / f'{dog}.wav', 16000,
                  np.zeros(3 * 16000, np.int16))
    (place / 'audio_wav' / f'{car}.wav').write_bytes(b'RIFF')
    with open(place / 'audio_log_mel' / f'{car}.pkl', 'wb') as f:
        pickle.dump(torch.zeros(4, 1, 96, 64), f)
    (place / 'audio_log_mel' / f'{dog}.pkl').write_bytes(
        pickle.dumps(print))
    found, report = _problems(tmp_path, 's4')
    assert found == {
        ('val', 'frames', 'missing', 'ccccccccccc_2.png'),
        ('val', 'frames', 'unreadable', 'ccccccccccc_3.png'),
        ('val', 'frames', 'wrong', 'ccccccccccc_4.png'),
        ('val', 'masks', 'missing', 'eeeeeeeeeee_5.png'),
        ('val', 'masks', 'wrong', 'eeeeeeeeeee_4.png'),
        ('val', 'wav', 'wrong', 'ccccccccccc.wav'),
        ('val', 'wav', 'unreadable', 'eeeeeeeeeee.wav'),
        ('val', 'log_mel', 'wrong', 'eeeeeeeeeee.pkl'),
        ('val', 'log_mel', 'unreadable', 'ccccccccccc.pkl')}
    assert report.count('s4', 'val', 'frames', 'missing') == 1
    only, _ = _problems(tmp_path, 's4', masks=False, audio_types=['wav'],
                        tolerance=3)
    assert {kind for _, kind, *_ in only} == {'frames', 'wav'}


def test_a_data_set_without_sound_is_not_accepted(tmp_path):
    write_ms3(tmp_path)
    (tmp_path / 'ms3_data' / 'audio_wav').rename(tmp_path / 'elsewhere')
    found, _ = _problems(tmp_path, 'ms3')
    assert len(found) == 5 and {k for _, k, *_ in found} == {'wav'}


def test_masks_of_avss_have_the_size_of_the_frames(tmp_path):
    write_avss(tmp_path)
    folder = tmp_path / 'v2' / 'l_1' / 'labels_semantic'
    Image.new('L', (3, 3)).save(folder / '0.png')
    Image.fromarray(np.full((24, 20), 99, np.uint8)).save(folder / '1.png')
    found, _ = _problems(tmp_path, 'avss')
    assert {name for *_, name in found} == {'0.png', '1.png'}


def test_a_clip_in_two_splits_and_a_broken_csv(tmp_path):
    write_ms3(tmp_path)
    table = tmp_path / 'ms3_meta_data.csv'
    table.write_text(table.read_text() + 'm_0,val,dog,1\n')
    _, report = _problems(tmp_path, 'ms3')
    assert any('split \'train\' too' in p.text for p in report.problems)
    table.write_text('a,b\n1,2\n')
    _, report = _problems(tmp_path, 'ms3')
    assert all(p.kind == 'csv' for p in report.problems)
    assert 'columns' in report.problems[0].text


def test_jpg_frames_are_found_out(tmp_path):
    assert not _problems(write_ms3(tmp_path, suffix='.jpg'), 'ms3')[0]


def test_data_sets_are_found_below_a_folder(tmp_path):
    assert find_data_sets(tmp_path) == {}
    write_s4(tmp_path / 'Single-source')
    write_ms3(tmp_path)
    assert find_data_sets(tmp_path) == dict(
        s4=str(tmp_path / 'Single-source'), ms3=str(tmp_path))


def test_the_program(tmp_path, repo_dir, run_tool):
    write_ms3(tmp_path)
    program = repo_dir / 'tools' / 'dataset_converters' / 'check_avsbench.py'
    code, text = run_tool(program, str(tmp_path))
    assert code == 0 and 'everything is there' in text
    lost = (tmp_path / 'ms3_data' / 'visual_frames' / 'm_3'
            / 'm_3.mp4_2.png')
    lost.unlink()
    code, text = run_tool(program, str(tmp_path), '--report',
                          str(tmp_path / 'report.csv'))
    assert code == 1 and f"clip 'm_3': {lost}: is missing" in text
    assert str(lost) in (tmp_path / 'report.csv').read_text()
    code, text = run_tool(program, str(tmp_path / 'none'))
    assert code == 1 and 'ms3_meta_data.csv' in text


def test_realmix_is_accepted(shared_dir):
    root = shared_dir / 'media' / 'realmix'
    assert find_data_sets(root) == dict(ms3=str(root))
    dataset = check_data_set(str(root), 'ms3', workers=2)
    assert not dataset.problems
    assert dataset.clips == {('ms3', 'train'): 240, ('ms3', 'val'): 48}
