# Copyright (c) OpenMMLab. All rights reserved.
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress

import av
import numpy as np
import pytest
import torch

from mmavs.apis import AVSInferencer, init_model
from mmavs.apis.inference.journal import Journal
from mmavs.apis.inference.outputs import OUTPUTS
from mmavs.apis.inference.overlay_video import OverlayVideo
from mmavs.apis.inference.run import Run
from mmavs.video.writer import write_video

from ..processes import hear_ctrl_c

SIZE = (48, 64)
CONFIG = 'configs/film_fpn/film-fpn_tiny_synthetic.py'


def make(path, *, seconds=7., fps=6):
    """Noise with sound; every frame is another one."""
    rng = np.random.default_rng(0)
    frames = (np.repeat(np.repeat(rng.integers(
        0, 256, (6, 8, 3), dtype=np.uint8), 8, 0), 8, 1)
        for _ in range(round(seconds * fps)))
    sound = rng.normal(0, 0.1, round(seconds * 16000)).astype(np.float32)
    write_video(path, frames, fps, sample_rate=16000, audio=sound)
    return str(path)


@pytest.fixture(scope='module')
def model(repo_dir):
    torch.manual_seed(0)
    model = init_model(repo_dir / CONFIG)
    with torch.no_grad():
        for name, parameter in model.decode_head.named_parameters():
            if name.endswith('bias') and parameter.numel() == 1:
                parameter.zero_()
    return model


@pytest.fixture(scope='module')
def inferencer(model):
    inferencer = AVSInferencer(model, device='cpu', show_progress=False)
    inferencer.window_seconds = 2  # four windows
    return inferencer


@pytest.fixture(autouse=True)
def seek_early(monkeypatch):
    """Short videos are sought in as long ones are."""
    monkeypatch.setattr('mmavs.video.source._WORTH_SEEKING', 1.)


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    return make(tmp_path_factory.mktemp('video') / 'a.mp4')


def contents(folder):
    """Every file of a folder with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob('*')) if path.is_file()}


def kinds(fps):
    """Pages take longest to draw; once is enough."""
    return [kind for kind in OUTPUTS if fps == 1 or kind != 'sheet']


@pytest.fixture(scope='module')
def whole(inferencer, video, tmp_path_factory):
    """What an undisturbed run writes: fps and batch size to files."""
    folder = tmp_path_factory.mktemp('whole')
    found = {}
    for fps, batch_size in ((1, 1), (2, 3)):
        out = folder / f'{fps}{batch_size}'
        inferencer(video, batch_size=batch_size, out_dir=out,
                   outputs=kinds(fps), fps=fps)
        found[fps, batch_size] = contents(out)
    return found


def stop_in(monkeypatch, place, number, error=KeyboardInterrupt):
    """Raise at the ``number``-th call of a method."""
    owner, name = place
    original, calls = getattr(owner, name), []

    def stopped(self, *args, **kwargs):
        calls.append(1)
        if len(calls) == number:
            raise error
        return original(self, *args, **kwargs)

    monkeypatch.setattr(owner, name, stopped)


@pytest.mark.parametrize('fps,batch_size', [(1, 1), (2, 3)])
@pytest.mark.parametrize('place,number', [
    ((OverlayVideo, 'add'), 2),  # some outputs have the window, some not
    ((Journal, 'append'), 4),  # all have it, but it was not noted
    ((OverlayVideo, '_picture'), 20),  # in the middle of a segment
    ((OverlayVideo, 'publish'), 1),  # all windows are done
    ((Run, '_clear'), 2)])  # all outputs are published
def test_a_run_that_goes_on_writes_the_same(
        inferencer, video, whole, tmp_path, monkeypatch, place, number, fps,
        batch_size):
    arguments = dict(out_dir=tmp_path, outputs=kinds(fps), fps=fps,
                     batch_size=batch_size)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        stop_in(patch, place, number)
        inferencer(video, **arguments)
    result = inferencer(video, resume=True, **arguments)
    assert contents(tmp_path) == whole[fps, batch_size]
    (prediction, ) = result['predictions']
    assert prediction['num_masks'] == 7 * fps
    assert len(prediction['times']) == 7 * fps
    assert (result['visualization'][0] is None) == (fps == 2)


def test_what_is_done_is_not_done_again(inferencer, video, tmp_path,
                                        monkeypatch):
    arguments = dict(out_dir=tmp_path, outputs=['masks', 'json'])
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        stop_in(patch, (Journal, 'append'), 4)
        inferencer(video, **arguments)
    # Nothing has its final name before all is done.
    assert [path.name for path in tmp_path.iterdir()] == ['a.partial']
    seen, step = [], inferencer.model.test_step
    monkeypatch.setattr(inferencer.model, 'test_step',
                        lambda data: seen.append(1) or step(data))
    inferencer(video, resume=True, **arguments)
    assert len(seen) == 2  # of four windows
    assert not (tmp_path / 'a.partial').exists()
    result = inferencer(video, resume=True, **arguments)
    assert len(seen) == 2
    assert result['predictions'][0]['num_masks'] == 7
    # Without its files an input is not complete.
    (tmp_path / 'a.json').unlink()
    inferencer(video, resume=True, **arguments)
    assert len(seen) == 6


def test_a_list_goes_on_with_the_input_that_was_stopped(
        inferencer, video, tmp_path, monkeypatch):
    other = make(tmp_path / 'b.mp4', seconds=3)
    out = tmp_path / 'out'
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        stop_in(patch, (Journal, 'append'), 5 + 2)
        inferencer([video, other], out_dir=out, outputs=['json'])
    assert sorted(p.name for p in out.iterdir()) == ['.a.run.json', 'a.json']
    before = os.stat(out / 'a.json').st_mtime_ns
    result = inferencer([video, other], out_dir=out, outputs=['json'],
                        resume=True)
    assert [p['num_masks'] for p in result['predictions']] == [7, 3]
    assert os.stat(out / 'a.json').st_mtime_ns == before
    assert (out / 'b.json').is_file()


@pytest.fixture
def stopped(inferencer, video, tmp_path, monkeypatch):
    """A folder with a run that was stopped after two of four windows."""
    out = tmp_path / 'out'
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        stop_in(patch, (OverlayVideo, 'add'), 3)
        inferencer(video, out_dir=out, outputs=['video'])
    return out


def test_ctrl_c_says_how_to_go_on(inferencer, video, tmp_path, monkeypatch):
    messages = []
    monkeypatch.setattr('mmavs.apis.inference.run.print_log',
                        lambda text, **_: messages.append(text))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        stop_in(patch, (OverlayVideo, 'add'), 3)
        inferencer(video, out_dir=tmp_path, outputs=['video'])
    (message, ) = messages
    assert 'stopped after 4 of 7 masks' in message
    assert f'{tmp_path}/a.partial.mp4 shows them' in message
    assert '--resume' in message


@pytest.mark.parametrize('change,message', [
    (dict(fps=2), 'fps was 1 and is now 2'),
    (dict(alpha=0.3), 'alpha was 0.5 and is now 0.3'),
    (dict(outputs=['video', 'json']), r"outputs was \['video'\] and is now"),
    (dict(window_seconds=3), 'seconds was 2 and is now 3'),
    (dict(on_missing_audio='silence'), "on_missing_audio was 'raise'")])
def test_other_options_do_not_go_on(inferencer, video, stopped, change,
                                    message):
    before = contents(stopped)
    with pytest.raises(ValueError, match=message) as raised:
        inferencer(video, **dict(out_dir=stopped, outputs=['video'],
                                 resume=True) | change)
    assert '\n' not in str(raised.value)
    assert 'start over without resume' in str(raised.value)
    assert contents(stopped) == before


def test_another_model_or_input_does_not_go_on(inferencer, video, stopped,
                                               repo_dir, tmp_path):
    arguments = dict(out_dir=stopped, outputs=['video'], resume=True)
    weights = AVSInferencer(init_model(repo_dir / CONFIG), device='cpu',
                            show_progress=False)
    with pytest.raises(ValueError, match='the weights are not the same'):
        weights(video, **arguments)
    other = AVSInferencer(
        init_model(repo_dir / 'configs/selm/selm_tiny_synthetic.py'),
        device='cpu', show_progress=False)
    with pytest.raises(ValueError, match='the model is not the same'):
        other(video, **arguments)
    (tmp_path / 'b').mkdir()
    longer = make(tmp_path / 'b' / 'a.mp4', seconds=8)
    with pytest.raises(ValueError, match='the input is not the same'):
        inferencer(longer, **arguments)
    # The same file at another place is the same input.
    shutil.copy(video, tmp_path / 'b' / 'a.mp4')
    assert inferencer(str(tmp_path / 'b' / 'a.mp4'), **arguments)[
        'predictions'][0]['num_masks'] == 7


def test_without_resume_a_run_starts_over(inferencer, video, whole, stopped):
    inferencer(video, out_dir=stopped, outputs=['video'])
    assert sorted(p.name for p in stopped.iterdir()) == [
        '.a.run.json', 'a.mp4']
    assert (stopped / 'a.mp4').read_bytes() == whole[1, 1]['a.mp4']


def test_arrays_and_folders_go_on_too(inferencer, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (24, *SIZE, 3), dtype=np.uint8)
    item = frames, 4, rng.normal(0, 0.1, (6 * 8000, 2)), 8000
    arguments = dict(outputs=['video', 'masks', 'json', 'npz'])
    inferencer(item, out_dir=tmp_path / 'one', **arguments)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        stop_in(patch, (OverlayVideo, 'add'), 2)
        inferencer(item, out_dir=tmp_path / 'two', **arguments)
    other = frames[::-1], *item[1:]
    with pytest.raises(ValueError, match='the input is not the same'):
        inferencer(other, out_dir=tmp_path / 'two', resume=True, **arguments)
    inferencer(item, out_dir=tmp_path / 'two', resume=True, **arguments)
    assert contents(tmp_path / 'one') == contents(tmp_path / 'two')


def test_older_results_are_replaced_as_a_whole(inferencer, video, tmp_path):
    arguments = dict(out_dir=tmp_path, outputs=['masks', 'sheet'])
    inferencer(video, fps=2, **arguments)
    inferencer(video, window_seconds=5, **arguments)
    assert len(list((tmp_path / 'a_masks').iterdir())) == 7
    assert len(list(tmp_path.glob('a_sheet_*.png'))) == 2


def test_lost_bytes_are_noticed(inferencer, video, tmp_path, monkeypatch):
    arguments = dict(out_dir=tmp_path, outputs=['json'])
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        stop_in(patch, (Journal, 'append'), 4)
        inferencer(video, **arguments)
    os.truncate(tmp_path / 'a.partial' / 'annotations.json', 100)
    with pytest.raises(ValueError, match='start again without resume'):
        inferencer(video, resume=True, **arguments)


def test_a_torn_line_does_not_count(tmp_path):
    journal = Journal(tmp_path / 'j' / 'journal.jsonl')
    assert journal.read() is None
    journal.begin(dict(run=1))
    journal.append(dict(window=1))
    journal.close()
    whole = journal.path.read_bytes()
    for torn in (b'{"wind', b'{"window": 2}'):
        journal.path.write_bytes(whole + torn)
        assert journal.read() == (dict(run=1), [dict(window=1)])
        journal.go_on()
        journal.append(dict(window=3))
        journal.close()
        assert journal.read()[1] == [dict(window=1), dict(window=3)]


@pytest.mark.parametrize('kwargs', [
    dict(), dict(out_dir='out', return_datasamples=True)])
def test_resume_needs_files(inferencer, video, kwargs, tmp_path,
                            monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match='resume goes on with the files'):
        inferencer(video, resume=True, **kwargs)


def wait_for(journal, windows, process):
    """Wait until a run has noted so many windows."""
    limit = time.monotonic() + 120
    while time.monotonic() < limit:
        with suppress(OSError):
            if journal.read_bytes().count(b'\n') > windows:
                return
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    raise AssertionError('the run does not begin')


@pytest.fixture(scope='module')
def command(repo_dir, model, tmp_path_factory):
    """A command line that takes a while, and what it writes."""
    folder = tmp_path_factory.mktemp('command')
    path = make(folder / 'a.mp4', seconds=40, fps=12)
    checkpoint = folder / 'tiny.pth'
    torch.save(dict(state_dict=model.state_dict()), checkpoint)
    outputs = ['video', 'masks', 'json', 'npz']
    AVSInferencer(model, device='cpu', show_progress=False)(
        path, out_dir=folder / 'whole', outputs=outputs)
    return [sys.executable, '-m', 'mmavs.cli', 'infer', path, '--model',
            str(repo_dir / CONFIG), '--checkpoint', str(checkpoint),
            '--device', 'cpu', '--quiet', '--outputs',
            *outputs], contents(folder / 'whole')


@pytest.mark.slow
@pytest.mark.parametrize('kind,windows', [
    (signal.SIGINT, 1), (signal.SIGKILL, 1), (signal.SIGKILL, 5)])
def test_a_process_that_was_stopped(repo_dir, command, tmp_path, kind,
                                    windows):
    command, whole = command
    out = tmp_path / 'out'
    process = subprocess.Popen(
        [*command, '--out-dir', str(out)], cwd=repo_dir, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=hear_ctrl_c)
    wait_for(out / 'a.partial' / 'journal.jsonl', windows, process)
    process.send_signal(kind)
    _, errors = process.communicate(timeout=120)
    left = sorted(p.name for p in out.iterdir())
    if kind == signal.SIGINT:
        assert process.returncode == 130
        assert 'stopped' in errors and 'Traceback' not in errors
        assert left == ['a.partial', 'a.partial.mp4']
        with av.open(str(out / 'a.partial.mp4')) as container:
            frames = len(list(container.decode(video=0)))
            assert len(container.streams.audio) == 1
        assert frames % 60 == 0 and 60 <= frames < 40 * 12
    else:
        assert process.returncode == -signal.SIGKILL
        assert left == ['a.partial']
    finished = subprocess.run([*command, '--resume', '--out-dir', str(out)],
                              cwd=repo_dir, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    assert 'a: 40 masks' in finished.stdout
    assert contents(out) == whole
