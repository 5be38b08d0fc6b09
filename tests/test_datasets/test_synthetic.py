# Copyright (c) OpenMMLab. All rights reserved.
"""The synthetic data set: complete, deterministic, and not to be solved
without listening."""

import csv
import gc
import hashlib
import json
import os
import wave
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mmavs.audio import log_mel_spectrogram
from mmavs.datasets.synthetic import (
    DEFAULT_COUNTS,
    KINDS,
    plan_clip,
    render_frames,
    render_sound,
    sounding_masks,
    write_synthetic,
)
from mmavs.datasets.synthetic.cli import main
from mmavs.datasets.synthetic.meta import AVSS_CLASSES
from mmavs.datasets.synthetic.plan import FAMILIES, is_twin
from mmavs.datasets.synthetic.timbres import make_sound
from mmavs.datasets.synthetic.writer import voc_palette, write_clip

COUNTS = dict(num_train=6, num_val=2, num_test=4)
SMALL = dict(COUNTS, size=48, workers=0)
CLIPS = st.tuples(st.sampled_from(list(FAMILIES)),
                  st.sampled_from(['train', 'val', 'test']),
                  st.integers(0, 300))


@pytest.fixture(scope='module')
def root(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('synthetic')
    write_synthetic(folder, **SMALL)
    return folder


def digest(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)):
            hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(root.rglob('*')) if path.is_file()}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline='') as file:
        return list(csv.DictReader(file))


def read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def check_wav(path: Path, seconds: int) -> None:
    with wave.open(str(path)) as file:
        assert file.getnchannels() == 1 and file.getsampwidth() == 2
        assert file.getframerate() == 16000
        assert file.getnframes() == seconds * 16000


def test_same_seed_same_bytes_whatever_the_workers(root, tmp_path):
    write_synthetic(tmp_path, **{**SMALL, 'workers': 2})
    assert digest(tmp_path) == digest(root)
    assert not list(tmp_path.rglob('*.part'))


class OwnedByOneProcess:
    """Like an open video with threads: no other process may destroy it."""

    def __init__(self):
        self.myself, self.owner = self, os.getpid()

    def __del__(self):
        if os.getpid() != self.owner:
            os._exit(1)


def collect_and_write(*args):
    gc.collect()
    write_clip(*args)


def test_children_leave_the_garbage_of_their_parent(tmp_path, monkeypatch):
    monkeypatch.setattr('mmavs.datasets.synthetic.build.write_clip',
                        collect_and_write)
    gc.disable()
    try:
        OwnedByOneProcess()
        write_synthetic(tmp_path, **{**SMALL, 'workers': 2})
    finally:
        gc.enable()
    assert list(tmp_path.rglob('*.wav'))


def test_a_clip_does_not_depend_on_the_number_of_clips(root, tmp_path):
    write_synthetic(tmp_path, layouts=('ms3',), size=48, workers=0,
                    num_train=2, num_val=0, num_test=1)
    whole = digest(root)
    for name, value in digest(tmp_path).items():
        if not name.endswith(('.csv', '.json')):
            assert whole[name] == value, name


def test_other_seed_other_clips():
    one, two = (plan_clip(seed, 'v1m', 'train', 0) for seed in (0, 1))
    assert not np.array_equal(render_frames(one, 48)[0],
                              render_frames(two, 48)[0])


def test_splits_do_not_share_clips():
    frames = [render_frames(plan_clip(0, 'v1m', split, 4), 32)[0]
              for split in ('train', 'val', 'test')]
    assert not np.array_equal(frames[0], frames[1])
    assert not np.array_equal(frames[0], frames[2])


def test_s4_layout(root):
    base = root / 'Single-source' / 's4_data'
    table = rows(base.parent / 's4_meta_data.csv')
    assert list(table[0]) == ['name', 'start', 'category', 'split']
    assert len(table) == sum(COUNTS.values())
    for row in table:
        name, split = row['name'], row['split']
        assert len(name) == 11
        inner = Path(split, row['category'], name)
        check_wav(base / 'audio_wav' / inner.parent / f'{name}.wav', 5)
        labelled = 1 if split == 'train' else 5
        for k in range(1, 6):
            frame = read(base / 'visual_frames' / inner / f'{name}_{k}.png')
            assert frame.shape == (48, 48, 3)
            mask = base / 'gt_masks' / inner / f'{name}_{k}.png'
            assert mask.exists() == (k <= labelled)
        mask = read(base / 'gt_masks' / inner / f'{name}_1.png')
        assert set(np.unique(mask)) == {0, 255}


def test_ms3_layout(root):
    base = root / 'Multi-sources' / 'ms3_data'
    table = rows(base.parent / 'ms3_meta_data.csv')
    assert list(table[0]) == ['video_id', 'split', 'objects', 'sounding']
    assert len(table) == sum(COUNTS.values())
    for row in table:
        name, split = row['video_id'], row['split']
        check_wav(base / 'audio_wav' / split / f'{name}.wav', 5)
        seconds = row['sounding'].split('|')
        assert [len(s) for s in seconds] == [
            len(row['objects'].split('|'))] * 5
        for k in range(1, 6):
            frame = base / 'visual_frames' / name / f'{name}.mp4_{k}.png'
            assert read(frame).shape == (48, 48, 3)
            mask = read(base / 'gt_masks' / split / name / f'{name}_{k}.png')
            assert set(np.unique(mask)) <= {0, 255}
            if '1' not in seconds[k - 1]:
                assert not mask.any()


def test_avss_layout(root):
    base = root / 'AVSS'
    table = rows(base / 'metadata.csv')
    assert list(table[0]) == ['vid', 'uid', 's_min', 's_sec', 'a_obj',
                              'split', 'label']
    assert {row['label'] for row in table} == set(FAMILIES)
    indices = json.loads((base / 'label2idx.json').read_text())
    palette = voc_palette()
    for row in table:
        folder, family = base / row['label'] / row['uid'], row['label']
        length = FAMILIES[family]
        check_wav(folder / 'audio.wav', length)
        labelled = (1 if (family, row['split']) == ('v1s', 'train')
                    else length)
        for k in range(length):
            frame = read(folder / 'frames' / f'{k}.jpg')
            assert (folder / 'labels_rgb' / f'{k}.png').exists() == (
                k < labelled)
            if k < labelled:
                classes = read(folder / 'labels_semantic' / f'{k}.png')
                assert classes.shape == frame.shape[:2]
                assert np.array_equal(
                    read(folder / 'labels_rgb' / f'{k}.png'),
                    palette[classes])
                named = {indices[name] for name in row['a_obj'].split('_')
                         if name in indices}
                assert set(np.unique(classes)) <= named | {0}
        assert not (folder / 'frames' / f'{length}.jpg').exists()


def test_classes_are_avsbenchs():
    assert len(AVSS_CLASSES) == 71 and AVSS_CLASSES[70] == 'woman'
    assert len({kind.name for kind in KINDS}) == len(KINDS) >= 6
    for kind in KINDS:
        assert AVSS_CLASSES[kind.label] == kind.name
    assert voc_palette()[[1, 63, 64, 70]].tolist() == [
        [128, 0, 0], [192, 192, 192], [32, 0, 0], [32, 128, 128]]


@settings(max_examples=25, deadline=None)
@given(CLIPS)
def test_plans_are_sound(clip):
    plan = plan_clip(0, *clip)
    family, _, index = clip
    assert plan.num_seconds == FAMILIES[family]
    assert 1 <= len(plan.kinds) <= 3
    assert len(set(plan.objects)) == len(plan.objects)
    if family == 'v1s':
        assert (plan.sounding.sum(1) == 1).all()
        assert (plan.sounding == plan.sounding[0]).all()
    elif index % 16 == 5:
        assert not plan.activity.any()
    elif index % 16 == 9:
        assert plan.off_screen is not None and plan.off_sounding.all()
        assert not plan.sounding.any()
    else:
        assert plan.sounding.any()


@settings(max_examples=8, deadline=None)
@given(CLIPS)
def test_masks_are_the_visible_pixels_of_what_sounds(clip):
    plan = plan_clip(0, *clip)
    frames, owners = render_frames(plan, 64)
    labels = sounding_masks(plan, owners)
    assert len(frames) == len(labels) == plan.num_seconds
    for second in range(plan.num_seconds):
        for number, kind in enumerate(plan.kinds):
            owned = owners[second] == number + 1
            expected = (KINDS[kind].label if plan.sounding[second, number]
                        else 0)
            assert (labels[second][owned] == expected).all()
        assert not labels[second][owners[second] == 0].any()


def test_frames_at_any_time():
    plan = plan_clip(0, 'v1m', 'test', 4)
    frames, owners = render_frames(plan, 48)
    again, same = render_frames(plan, 48, times=[2 + 15 / 16, 0.5, 15 / 16])
    assert np.array_equal(again[[0, 2]], frames[[2, 0]])
    assert np.array_equal(same[[0, 2]], owners[[2, 0]])
    assert not np.array_equal(again[1], again[2])


def test_silent_clips_are_quiet_and_unseen_sounds_are_not():
    silent, unseen = (plan_clip(0, 'v1m', 'test', i) for i in (5, 9))
    assert np.abs(render_sound(silent, 16000)).max() < 400
    assert np.abs(render_sound(unseen, 16000)).max() > 3000
    for plan in (silent, unseen):
        owners = render_frames(plan, 48)[1]
        assert owners.any() and not sounding_masks(plan, owners).any()


def test_objects_are_hidden_by_those_in_front():
    hidden = 0
    for index in range(0, 40, 2):
        plan = plan_clip(0, 'v1m', 'train', index)
        alone = plan_clip(0, 'v1m', 'train', index)
        owners = render_frames(plan, 48)[1]
        object.__setattr__(alone, 'kinds', plan.kinds[:1])
        first = render_frames(alone, 48)[1]
        hidden += int(((first == 1) & (owners > 1)).sum())
        assert not ((owners == 1) & (first != 1)).any()
    assert hidden > 0


@pytest.mark.parametrize('family', FAMILIES)
def test_same_frames_other_sound_other_masks(family):
    """No function of the frames alone can mark both twins."""
    for index in (3, 7, 11, 15):
        assert is_twin(index)
        one, two = (plan_clip(0, family, 'test', i)
                    for i in (index - 1, index))
        (frames, owners), (other, _) = (
            render_frames(plan, 48) for plan in (one, two))
        assert np.array_equal(frames, other)
        assert not np.array_equal(render_sound(one, 16000),
                                  render_sound(two, 16000))
        assert (one.sounding != two.sounding).any(axis=1).all()
        masks = [sounding_masks(plan, owners) for plan in (one, two)]
        differs = (masks[0] != masks[1]).any(axis=(1, 2))
        assert differs.mean() > 0.8  # an object may be hidden for a while


def test_audio_says_more_than_any_guess_from_the_frames():
    """The best mask that ignores the sound is far below the right one."""
    scores = []
    for index in range(48):
        plan = plan_clip(0, 'v1m', 'test', index)
        owners = render_frames(plan, 48)[1]
        labels = sounding_masks(plan, owners)
        for owner, label in zip(owners, labels, strict=True):
            if label.any():  # guess: whatever is in view
                scores.append((label > 0).sum() / (owner > 0).sum())
    assert np.mean(scores) < 0.7


def test_which_objects_sound_changes_within_clips():
    plans = [plan_clip(0, 'v1m', 'train', i) for i in range(64)]
    changes = [(p.sounding != p.sounding[0]).any() for p in plans]
    assert np.mean(changes) > 0.4
    assert {len(plan.kinds) for plan in plans} == {1, 2, 3}


def spectrum(sound: np.ndarray) -> np.ndarray:
    """Mean and spread over time of the bands of one second's log-mel."""
    log_mel = log_mel_spectrogram(torch.from_numpy(sound).float())
    log_mel = log_mel.reshape(96, 64)
    return torch.cat([log_mel.mean(0), log_mel.std(0)]).numpy()


def test_one_second_identifies_a_timbre():
    """A linear classifier of its log-mel names unheard sounds."""
    rng, second = np.random.default_rng(0), np.ones(1, bool)
    names = np.repeat(np.arange(len(KINDS)), 24)
    x = np.array([spectrum(make_sound(KINDS[name].timbre, rng, second,
                                      16000)) for name in names])
    x = np.column_stack([x, np.ones(len(x))])
    train = np.arange(len(x)) % 2 == 0
    targets = np.eye(len(KINDS))[names]
    weight = np.linalg.solve(
        x[train].T @ x[train] + 10 * np.eye(x.shape[1]),
        x[train].T @ targets[train])
    assert ((x[~train] @ weight).argmax(1) == names[~train]).all()


@pytest.mark.parametrize('kind', KINDS, ids=lambda kind: kind.name)
def test_a_timbre_is_gated_by_seconds(kind):
    sounding = np.array([True, False, True])
    sound = make_sound(kind.timbre, np.random.default_rng(1), sounding,
                       16000).reshape(3, 16000)
    level = np.sqrt((sound ** 2).mean(1))
    assert level[1] == 0 and (level[[0, 2]] > 0.01).all()
    # No half second of a sounding second is empty.
    assert (np.abs(sound[[0, 2]].reshape(4, 8000)).max(1) > 0.01).all()


def test_second_run_returns_at_once(root):
    before = {p: p.stat().st_mtime_ns for p in root.rglob('*')}
    summary = write_synthetic(root, **SMALL)
    assert not summary['written'] and summary['seconds'] < 2
    assert before == {p: p.stat().st_mtime_ns for p in root.rglob('*')}


def test_interrupted_run_is_completed(root, tmp_path, monkeypatch):
    from mmavs.datasets.synthetic import build
    done = []

    def interrupt(*job):
        if len(done) == 5:
            raise KeyboardInterrupt
        done.append(job)
        write_clip(*job)

    write_clip = build.write_clip
    monkeypatch.setattr(build, 'write_clip', interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_synthetic(tmp_path, **SMALL)
    monkeypatch.undo()
    assert write_synthetic(tmp_path, **SMALL)['written']
    assert digest(tmp_path) == digest(root)


def test_other_parameters_need_overwrite(tmp_path):
    small = dict(layouts=('ms3',), num_train=1, num_val=0, num_test=0,
                 size=32, workers=0)
    write_synthetic(tmp_path, **small)
    with pytest.raises(FileExistsError, match='--overwrite'):
        write_synthetic(tmp_path, **small, seed=1)
    write_synthetic(tmp_path, **small, seed=1, overwrite=True)
    assert json.loads((tmp_path / 'synthetic.json').read_text())['seed'] == 1


def test_layouts_can_be_added(root, tmp_path):
    write_synthetic(tmp_path, **SMALL, layouts=('ms3',))
    assert write_synthetic(tmp_path, **SMALL)['written']
    assert digest(tmp_path) == digest(root)
    assert not write_synthetic(tmp_path, **SMALL, layouts=('s4',))['written']


def test_unreadable_marker(tmp_path):
    (tmp_path / 'synthetic.json').write_text('{"layouts": 3}')
    with pytest.raises(FileExistsError, match='not readable'):
        write_synthetic(tmp_path, num_train=1)


def test_real_data_is_never_touched(tmp_path):
    (tmp_path / 'Multi-sources').mkdir()
    with pytest.raises(FileExistsError, match='choose another root'):
        write_synthetic(tmp_path, num_train=1, overwrite=True)
    write_synthetic(tmp_path, **SMALL, layouts=('s4',))
    with pytest.raises(FileExistsError, match='choose another root'):
        write_synthetic(tmp_path, **SMALL)
    assert not list((tmp_path / 'Multi-sources').iterdir())


@pytest.mark.parametrize('wrong, message', [
    (dict(layouts=('ms4',)), 'layouts must be some of'),
    (dict(layouts=()), 'layouts must be some of'),
    (dict(layouts='ms3'), 'layouts must be some of'),
    (dict(num_val=-1), 'num_val'),
    (dict(size=8), 'at least 32'),
    (dict(seed=-1), 'seed must be'),
    (dict(sample_rate=8000), 'sample_rate')])
def test_wrong_arguments(tmp_path, wrong, message):
    with pytest.raises(ValueError, match=message):
        write_synthetic(tmp_path, **wrong)
    assert not list(tmp_path.iterdir())


def test_command_line(tmp_path, capsys):
    argv = ['--root', str(tmp_path), '--layouts', 'ms3', '--num-train', '2',
            '--num-val', '1', '--num-test', '0', '--size', '32']
    main(argv)
    printed = capsys.readouterr().out
    assert '2 train, 1 val, 0 test' in printed and 'written' in printed
    main(argv)
    assert 'already there' in capsys.readouterr().out
    with pytest.raises(SystemExit, match='1'):
        main([*argv, '--seed', '3'])
    assert 'overwrite' in capsys.readouterr().err


def test_default_counts_cover_every_role():
    for layout in ('s4', 'ms3', 'avss'):
        assert all(n >= 10 for n in DEFAULT_COUNTS[layout].values())
