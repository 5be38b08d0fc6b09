# Copyright (c) OpenMMLab. All rights reserved.
"""What can be wrong with files, and what only looks wrong, on the command
line: an exit code and one line that names the file and the fix."""
import errno
import os
import shutil
import tempfile
import wave
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

import mmavs.apis
from mmavs import cli
from mmavs.apis import AVSInferencer, init_model
from mmavs.apis.inference.journal import Journal
from mmavs.apis.inference.masks import MaskImages
from mmavs.video.writer import VideoWriter, write_video

CONFIG = 'configs/film_fpn/film-fpn_tiny_synthetic.py'
SELM = 'configs/selm/selm_tiny_synthetic.py'
HEIGHT, WIDTH = 32, 48


def tone(seconds, rate=16000, channels=1):
    mono = 0.5 * np.sin(np.arange(round(seconds * rate)) * 0.05)
    return np.stack([mono] * channels, axis=1).astype(np.float32)


def grey(level):
    return np.full((HEIGHT, WIDTH, 3), level, np.uint8)


def make(path, *, frames=16, fps=8, sound=None, rate=16000):
    write_video(path, (grey(8 * i % 200) for i in range(frames)), fps,
                audio=tone(frames / fps) if sound is None else sound,
                sample_rate=rate)
    return path


@pytest.fixture(scope='module')
def inferencer(repo_dir):
    torch.manual_seed(0)
    return AVSInferencer(init_model(repo_dir / CONFIG), show_progress=False)


@pytest.fixture
def infer(inferencer, tmp_path, monkeypatch, capsys):
    """Run ``mmavs infer``; return exit code, errors and what was written."""
    monkeypatch.setattr(mmavs.apis, 'AVSInferencer',
                        lambda *args, **kwargs: inferencer)
    monkeypatch.delenv('MMAVS_TRACEBACK', raising=False)

    def run(*arguments, out=None):
        out = tmp_path / 'out' if out is None else out
        capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            cli.main(['infer', *map(str, arguments), '--model', 'any',
                      '--out-dir', str(out), '--outputs', *cli.OUTPUTS])
        errors = capsys.readouterr().err
        assert 'Traceback' not in errors
        written = sorted(p.name for p in out.iterdir()) if (
            out.is_dir() and os.access(out, os.R_OK)) else []
        return stopped.value.code, errors, written

    return run


def check(result, *words):
    """An exit code of 1, one line for the error, nothing half-written."""
    code, errors, written = result
    assert code == 1
    first, hint = errors.splitlines()
    assert first.startswith('error: ') and 'MMAVS_TRACEBACK' in hint
    for word in words:
        assert word in first
    assert [name for name in written if '.partial' not in name] == []


def test_not_a_video(infer, tmp_path):
    path = tmp_path / 'a.mp4'
    path.write_text('no video at all ' * 100)
    check(infer(path), 'a.mp4', 'is not a video')
    path.write_bytes(b'')
    check(infer(path), 'a.mp4', 'is not a video')
    check(infer(tmp_path / 'b.mp4'), 'b.mp4', 'there is no such file')
    Image.new('RGB', (8, 8)).save(tmp_path / 'sound.wav', format='PNG')
    check(infer(tmp_path / 'sound.wav'), 'sound.wav')


@pytest.mark.parametrize('part', [0.02, 0.3, 0.8])
def test_truncated_mp4(infer, tmp_path, part):
    path = make(tmp_path / 'a.mp4', frames=80)  # its index is in front
    path.write_bytes(path.read_bytes()[:round(path.stat().st_size * part)])
    check(infer(path), 'a.mp4: is')


def test_truncated_mp4_with_its_index_at_the_end(infer, tmp_path):
    path = tmp_path / 'a.mp4'
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('mpeg4', rate=8)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, 'yuv420p'
        for level in range(40):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(
                grey(level), format='rgb24')))
        container.mux(stream.encode(None))
    path.write_bytes(path.read_bytes()[:-400])
    check(infer(path), 'a.mp4: is not a video that can be read, or is '
          'damaged')


def test_damage_in_the_middle(infer, tmp_path):
    """Broken data is either made up for by the decoder or named."""
    path = make(tmp_path / 'a.mp4', frames=120)
    data = bytearray(path.read_bytes())
    middle = len(data) * 2 // 3
    data[middle:middle + 2000] = bytes(2000)
    path.write_bytes(data)
    code, errors, written = infer(path)
    if code:
        check((code, errors, written), 'a.mp4: ', 'damaged')
    else:
        assert 'a.mp4' in written


def test_zero_length_audio(infer, tmp_path):
    path = tmp_path / 'a.mkv'
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('mpeg4', rate=8)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, 'yuv420p'
        container.add_stream('pcm_s16le', rate=16000, layout='mono')
        for level in range(16):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(
                grey(level), format='rgb24')))
        container.mux(stream.encode(None))
    with av.open(str(path)) as container:
        assert len(container.streams.audio) == 1
    check(infer(path), 'a.mkv: has no sound', 'silence')
    code, _, written = infer(path, '--on-missing-audio', 'silence')
    assert code == 0 and 'a.mp4' in written


def test_zero_length_wav(infer, tmp_path):
    (tmp_path / 'frames').mkdir()
    Image.fromarray(grey(9)).save(tmp_path / 'frames' / '1.png')
    with wave.open(str(tmp_path / 'a.wav'), 'wb') as file:
        file.setparams((1, 2, 16000, 0, 'NONE', ''))
    check(infer(tmp_path / 'frames', '--wav', tmp_path / 'a.wav'),
          'frames: has no sound')


def test_audio_much_shorter_than_the_video(infer, tmp_path):
    path = make(tmp_path / 'a.mp4', frames=48, sound=tone(1))
    check(infer(path), 'a.mp4: has sound for 1', 'of its 6.0 s', 'silence')
    code, _, written = infer(path, '--on-missing-audio', 'silence')
    assert code == 0 and 'a.mp4' in written


def test_no_sound_at_all(infer, tmp_path):
    write_video(tmp_path / 'a.mp4', map(grey, range(16)), 8)
    check(infer(tmp_path / 'a.mp4'), 'a.mp4: has no sound')


def facts(path):
    """Frame times, size, and length, rate and channels of the sound."""
    with av.open(str(path)) as container:
        frames = [(f.time, (f.height, f.width))
                  for f in container.decode(video=0)]
        sound = container.streams.audio[0]
        return ([time for time, _ in frames], frames[0][1],
                float(sound.duration * sound.time_base), sound.rate,
                sound.codec_context.channels)


def test_one_frame(infer, tmp_path):
    path = make(tmp_path / 'a.mp4', frames=1, sound=tone(0.5))
    code, _, _ = infer(path)
    assert code == 0
    assert len(facts(tmp_path / 'out' / 'a.mp4')[0]) == 1
    assert len(list((tmp_path / 'out' / 'a_masks').iterdir())) == 1


@pytest.mark.parametrize('rate,layout', [(8000, 'mono'), (96000, '5.1')])
def test_any_sample_rate_and_layout(infer, tmp_path, rate, layout):
    path = tmp_path / 'a.mkv'
    channels = 6 if layout == '5.1' else 1
    with av.open(str(path), 'w') as container:
        video = container.add_stream('mpeg4', rate=8)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, 'yuv420p'
        audio = container.add_stream('aac', rate=rate, layout=layout)
        for level in range(16):
            container.mux(video.encode(av.VideoFrame.from_ndarray(
                grey(level), format='rgb24')))
        container.mux(video.encode(None))
        block = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(tone(2, rate, channels).T), format='fltp',
            layout=layout)
        block.sample_rate, block.pts = rate, 0
        container.mux(audio.encode(block))
        container.mux(audio.encode(None))
    assert infer(path)[0] == 0
    times, _, seconds, found_rate, found = facts(tmp_path / 'out' / 'a.mp4')
    assert len(times) == 16 and seconds == pytest.approx(2, abs=0.1)
    assert (found_rate, found) == (rate, min(channels, 2))


def test_variable_frame_rate(infer, tmp_path):
    times = [0, 0.04, 0.5, 0.9, 2.1, 2.15, 2.9, 5.2, 5.3]
    with VideoWriter(tmp_path / 'a.mp4', size=(HEIGHT, WIDTH), fps=10,
                     sample_rate=16000, variable_rate=True) as writer:
        writer.write_audio(tone(5.5))
        for level, time in enumerate(times):
            writer.write_frame(grey(20 * level), time=time)
    assert infer(tmp_path / 'a.mp4')[0] == 0
    found, _, seconds, _, _ = facts(tmp_path / 'out' / 'a.mp4')
    assert found == pytest.approx(times, abs=2e-3)
    assert seconds == pytest.approx(5.5, abs=0.1)


def test_rotated_phone_video(infer, tmp_path):
    path = tmp_path / 'a.mp4'
    with av.open(str(path), 'w') as container:
        video = container.add_stream('mpeg4', rate=8)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, 'yuv420p'
        if not hasattr(video, 'set_display_rotation'):
            pytest.skip('this PyAV cannot write a rotation flag')
        video.set_display_rotation(90)
        audio = container.add_stream('aac', rate=16000, layout='mono')
        for level in range(16):
            container.mux(video.encode(av.VideoFrame.from_ndarray(
                grey(level), format='rgb24')))
        container.mux(video.encode(None))
        block = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(tone(2).T), format='fltp', layout='mono')
        block.sample_rate, block.pts = 16000, 0
        container.mux(audio.encode(block))
        container.mux(audio.encode(None))
    assert infer(path)[0] == 0
    assert facts(tmp_path / 'out' / 'a.mp4')[1] == (WIDTH, HEIGHT)
    with Image.open(tmp_path / 'out' / 'a_masks' / '000000.png') as mask:
        assert mask.size == (HEIGHT, WIDTH)


@contextmanager
def nobody():
    """Give up the rights of root, who may read and write everything."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.fixture
def public():
    """A folder in which everyone may read and write."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def test_file_without_permission(infer, public):
    path = make(public / 'a.mp4')
    path.chmod(0)
    with nobody():
        result = infer(path, out=public / 'out')
    check(result, 'a.mp4: may not be read', 'change its permissions')
    (public / 'closed').mkdir(0o700)
    make(public / 'closed' / 'a.mp4')
    (public / 'closed').chmod(0)
    with nobody():
        result = infer(public / 'closed' / 'a.mp4', out=public / 'out')
    check(result, 'a.mp4: may not be read')


def test_output_folder_that_is_not_writable(infer, public, tmp_path):
    path = make(public / 'a.mp4')
    path.chmod(0o644)
    (public / 'mine').mkdir()
    (public / 'mine').chmod(0o555)
    for out in (public / 'mine', public / 'mine' / 'deeper'):
        with nobody():
            result = infer(path, out=out)
        check(result, f'{out}: cannot be written to', 'another out_dir')
    (tmp_path / 'file').write_text('in the way')
    check(infer(path, out=tmp_path / 'file'), 'file: cannot be written to')


def test_an_input_is_not_replaced_by_its_overlay(infer, tmp_path):
    path = make(tmp_path / 'a.mp4')
    other = make(tmp_path / 'b.mp4')
    before = path.read_bytes()
    for inputs in ([path], [other, path], [tmp_path]):
        code, errors, _ = infer(*inputs, out=tmp_path)
        assert code == 1 and 'mp4: is an input and would be' in errors
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ['a.mp4', 'b.mp4']


def no_space(*args, **kwargs):
    raise OSError(errno.ENOSPC, 'No space left on device')


def video_on_a_full_disk(path):
    name = path.with_name('full.mp4')
    name.symlink_to('/dev/full')
    return name


@pytest.mark.parametrize('place,replacement', [
    ('mmavs.video.writer.hidden_name', video_on_a_full_disk),
    ((MaskImages, 'add'), no_space),
    ((Journal, 'append'), no_space),
    ('mmavs.apis.inference.run.atomic_write', no_space),
    ('mmavs.visualization.avs_visualizer.write_image', no_space)])
def test_full_disk(infer, tmp_path, monkeypatch, place, replacement):
    path = make(tmp_path / 'a.mp4')
    with monkeypatch.context() as patch:
        patch.setattr(*([place] if isinstance(place, str) else place),
                      replacement)
        code, errors, written = infer(path)
    assert code == 1
    assert f'error: {tmp_path}/out: the disk is full; make room' in errors
    # Only what is complete has its final name, and only at the very end.
    assert '.a.run.json' not in written
    if 'atomic_write' not in str(place):
        assert [n for n in written if '.partial' not in n] == []
    code, _, written = infer(path, '--resume')
    assert code == 0
    assert written == ['.a.run.json', 'a.json', 'a.mp4', 'a.npz', 'a_masks',
                       'a_sheet_000.png']


@pytest.fixture
def real_infer(tmp_path, monkeypatch, capsys, repo_dir):
    """``mmavs infer`` with a model from its files."""
    monkeypatch.delenv('MMAVS_TRACEBACK', raising=False)
    path = make(tmp_path / 'a.mp4')

    def run(config, checkpoint):
        with pytest.raises(SystemExit) as stopped:
            cli.main(['infer', str(path), '--model', str(repo_dir / config),
                      '--checkpoint', str(checkpoint), '--device', 'cpu',
                      '--out-dir', str(tmp_path / 'out'), '--quiet'])
        errors = capsys.readouterr().err
        assert 'Traceback' not in errors
        return stopped.value.code, errors, []

    return run


def test_model_and_checkpoint_that_do_not_fit(real_infer, repo_dir,
                                              tmp_path):
    model = init_model(repo_dir / CONFIG)
    path = tmp_path / 'other.pth'
    torch.save(dict(state_dict=model.state_dict()), path)
    check(real_infer(SELM, path), 'other.pth')
    state = {key: torch.zeros(*value.shape, 2) if value.ndim == 4 else value
             for key, value in model.state_dict().items()}
    torch.save(dict(state_dict=state), path)
    check(real_infer(CONFIG, path), 'other.pth')
    torch.save(dict(state_dict={'fc.weight': torch.zeros(2)}), path)
    check(real_infer(CONFIG, path), 'other.pth', 'none of the weights')
    path.write_text('no weights at all')
    check(real_infer(CONFIG, path), 'other.pth')
    check(real_infer(CONFIG, tmp_path / 'none.pth'), 'none.pth')
    check(real_infer('configs/nobody.py', path), 'nobody.py')
    assert not (tmp_path / 'out').exists()
