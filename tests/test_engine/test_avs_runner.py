# Copyright (c) OpenMMLab. All rights reserved.
import gc
import multiprocessing
import os
import time

import pytest
import torch

from mmavs.engine.runner.checkpoints import find_checkpoints
from mmavs.io.checkpoint import CheckpointError

from .processes import assert_same, finish, run_toy
from .toy import toy_runner, weights


@pytest.fixture
def whole_run(tmp_path):
    runner = toy_runner(tmp_path / 'whole')
    runner.train()
    return weights(runner)


@pytest.mark.parametrize('stop_after', [1, 3])
@pytest.mark.parametrize('workers', [0, 2])
def test_resume_is_exact(tmp_path, whole_run, stop_after, workers):
    loader = {'train_dataloader.num_workers': workers,
              'train_dataloader.persistent_workers': workers > 0}
    # The first part runs without validation, the second with it.
    first = toy_runner(tmp_path / 'a', **loader, val_dataloader=None,
                       val_cfg=None, val_evaluator=None,
                       custom_hooks=[dict(type='StopHook',
                                          epochs=stop_after)])
    first.train()
    assert first.epoch == stop_after
    second = toy_runner(tmp_path / 'a', resume='auto', **loader)
    second.train()
    assert second.epoch == 4
    assert_same(weights(second), whole_run)


def test_persistent_workers_end_with_the_training(tmp_path):
    runner = toy_runner(tmp_path, **{
        'train_dataloader.num_workers': 2, 'val_dataloader.num_workers': 1,
        'train_dataloader.persistent_workers': True,
        'val_dataloader.persistent_workers': True})
    runner.train()
    assert multiprocessing.active_children() == []
    start = time.time()
    del runner
    gc.collect()
    assert time.time() - start < 5  # else 10 seconds for each loader


def test_interrupted_validation_is_made_up_for(tmp_path):
    """Epoch 2 is the best one, and its validation never ran."""
    best = {'default_hooks.checkpoint': dict(
        type='CheckpointHook', interval=1, save_best='toy/score',
        rule='greater')}
    toy_runner(tmp_path, val_dataloader=None, val_cfg=None,
               val_evaluator=None, custom_hooks=[dict(
                   type='StopHook', epochs=2)]).train()
    toy_runner(tmp_path, resume='auto', **best).train()
    assert [path.name for path in tmp_path.glob('best*')] == [
        'best_toy_score_epoch_2.pth']


def test_other_seed_gives_other_weights(tmp_path, whole_run):
    other = toy_runner(tmp_path / 'b', **{'randomness.seed': 8})
    other.train()
    assert not torch.equal(weights(other)['head.weight'],
                           whole_run['head.weight'])


def test_corrupt_newest_checkpoint_is_skipped(tmp_path, whole_run):
    work_dir = tmp_path / 'whole'
    newest = work_dir / 'epoch_4.pth'
    newest.write_bytes(newest.read_bytes()[:500])
    leftover = work_dir / '.epoch_5.12-ab.tmp.pth'
    leftover.write_bytes(b'half')
    runner = toy_runner(work_dir, resume='auto')
    warnings = []
    runner.logger.warning = warnings.append
    runner.train()
    assert any('epoch_4.pth' in line for line in warnings)
    assert not leftover.exists()
    assert_same(weights(runner), whole_run)


def test_all_checkpoints_corrupt_is_an_error(tmp_path):
    work_dir = tmp_path / 'c'
    work_dir.mkdir()
    (work_dir / 'epoch_1.pth').write_bytes(b'nothing')
    runner = toy_runner(work_dir, resume='auto')
    with pytest.raises(CheckpointError, match='none of the 1 checkpoints'):
        runner.train()


def test_auto_without_checkpoint_starts_from_load_from(tmp_path, whole_run):
    runner = toy_runner(
        tmp_path / 'd', resume='auto', load_from=str(
            tmp_path / 'whole' / 'epoch_4.pth'))
    runner.load_or_resume()
    assert runner.epoch == 0
    assert_same(weights(runner), whole_run)


def test_resume_from_weights_only_says_what_to_do(tmp_path, whole_run):
    path = tmp_path / 'plain.pth'
    torch.save(dict(state_dict=whole_run), path)
    runner = toy_runner(tmp_path / 'e', resume=True, load_from=str(path))
    with pytest.raises(CheckpointError, match='load_from='):
        runner.train()


def test_foreign_weights_are_refused(tmp_path):
    path = tmp_path / 'other.pth'
    torch.save(dict(state_dict=dict(foo=torch.zeros(1))), path)
    runner = toy_runner(tmp_path / 'f', load_from=str(path))
    with pytest.raises(CheckpointError, match='none of the weights'):
        runner.train()


def test_config_text_of_a_checkpoint_is_not_evaluated(tmp_path, whole_run):
    marker = tmp_path / 'executed'
    path = tmp_path / 'whole' / 'epoch_2.pth'
    state = torch.load(path, weights_only=False)
    state['meta']['config'] = f'open({str(marker)!r}, "w").close()'
    state['meta']['cfg'] = state['meta']['config']
    torch.save(state, path)
    runner = toy_runner(tmp_path / 'g', resume=True, load_from=str(path))
    runner.train()
    assert not marker.exists()
    assert_same(weights(runner), whole_run)


@pytest.mark.parametrize('name, deleted', [
    ('work/best_toy_score_epoch_0.pth', True), ('work/notes.txt', False),
    ('best_model.pth', False), ('work/../best_model.pth', False)])
def test_a_checkpoint_names_no_other_files_to_delete(tmp_path, name,
                                                     deleted):
    """The hook of checkpoints deletes the old best and the oldest ones."""
    best = {'default_hooks.checkpoint': dict(
        type='CheckpointHook', interval=1, save_best='toy/score',
        rule='greater', max_keep_ckpts=1)}
    work_dir = tmp_path / 'work'
    toy_runner(work_dir, **best, custom_hooks=[dict(
        type='StopHook', epochs=1)]).train()
    files = [tmp_path / name, tmp_path / 'x.pth']
    for path in files:
        path.write_text('precious')
    state = torch.load(work_dir / 'epoch_1.pth', weights_only=False)
    state['message_hub']['runtime_info'].update(
        best_ckpt=str(files[0]), keep_ckpt_ids=['/../../x', 1])
    torch.save(state, work_dir / 'epoch_1.pth')
    toy_runner(work_dir, resume='auto', **best).train()
    assert [path.exists() for path in files] == [not deleted, True]


class Payload:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker), )


@pytest.mark.parametrize('resume', [True, False])
def test_pickled_code_is_not_executed(tmp_path, whole_run, resume):
    marker = tmp_path / 'executed'
    path = tmp_path / 'evil.pth'
    torch.save(dict(state_dict=whole_run, meta=Payload(marker)), path)
    runner = toy_runner(tmp_path / 'h', resume=resume, load_from=str(path))
    with pytest.raises(CheckpointError, match='evil.pth'):
        runner.train()
    assert not marker.exists()


def test_checkpoint_reads_without_unpickling_classes(tmp_path, whole_run):
    from mmavs.io.checkpoint import load_checkpoint_file
    state = load_checkpoint_file(tmp_path / 'whole' / 'epoch_4.pth')
    assert len(state['random_state']) == 1
    assert state['meta']['epoch'] == 4


def test_find_checkpoints_orders_by_number(tmp_path):
    for name in ('epoch_9.pth', 'epoch_10.pth', 'best_x_epoch_11.pth'):
        (tmp_path / name).touch()
    (tmp_path / 'last_checkpoint').write_text('/moved/away/epoch_9.pth')
    names = [path.name for path in find_checkpoints(tmp_path)]
    assert names == ['epoch_10.pth', 'epoch_9.pth']


def test_two_cpu_processes_train_unfreeze_and_agree(tmp_path, repo_dir):
    """Batch 1 on two processes equals batch 2 on one, over an unfreezing."""
    plain = ['model.dropout=0', 'train_dataloader.sampler.shuffle=False',
             "custom_hooks=[{'type': 'UnfreezeHook', 'epoch': 2}]"]
    one = run_toy(tmp_path / 'one', *plain, repo=repo_dir)
    two = run_toy(tmp_path / 'two', *plain, 'train_dataloader.batch_size=1',
                  processes=2, repo=repo_dir)
    finish(one)
    finish(two)
    single = torch.load(tmp_path / 'one' / 'weights_0.pt')
    ranks = [torch.load(tmp_path / 'two' / f'weights_{rank}.pt')
             for rank in (0, 1)]
    assert_same(*ranks)
    for key, value in single.items():
        torch.testing.assert_close(ranks[0][key], value, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_two_processes_resume_exactly(tmp_path, repo_dir):
    finish(run_toy(tmp_path / 'a', processes=2, repo=repo_dir))
    stop = "custom_hooks=[{'type': 'StopHook', 'epochs': 2}]"
    finish(run_toy(tmp_path / 'b', stop, processes=2, repo=repo_dir))
    finish(run_toy(tmp_path / 'b', "resume='auto'", processes=2,
                   repo=repo_dir))
    for rank in (0, 1):
        assert_same(*(torch.load(tmp_path / run / f'weights_{rank}.pt')
                      for run in 'ab'))
