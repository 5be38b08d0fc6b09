# Copyright (c) OpenMMLab. All rights reserved.
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from mmavs import cli
from mmavs.apis import AVSInferencer
from mmavs.apis.demo.clips import copy_clip
from mmavs.apis.demo.page import share_bars
from mmavs.apis.demo.studio import Studio, marked_shares
from mmavs.datasets.synthetic.sample_videos import (
    cache_folder,
    write_sample_videos,
)
from mmavs.video.reader import read_audio
from mmavs.video.source import VideoSource
from mmavs.video.writer import write_video

from ..browser import Browser, find_chromium
from ..processes import hear_ctrl_c


@pytest.fixture(scope='module')
def samples(tmp_path_factory):
    return write_sample_videos(tmp_path_factory.mktemp('samples'), size=96,
                               fps=4)


@pytest.fixture(scope='module')
def inferencer():
    return AVSInferencer('selm_tiny_synthetic', device='cpu',
                         show_progress=False)


def test_a_twin_has_the_same_pictures_and_other_sound(samples):
    assert len({sample.name for sample in samples}) == 4
    for sample in samples:
        pictures, sounds = zip(*(
            (list(VideoSource(path).frames()), read_audio(path).numpy())
            for path in (sample.path, sample.twin)))
        assert len(pictures[0]) == 20
        # The encoder's threads make a difference of some levels.
        assert all(np.abs(a.astype(int) - b).mean() < 2
                   for (_, a), (_, b) in zip(*pictures, strict=True))
        assert np.abs(sounds[0] - sounds[1]).max() > 0.1


def test_samples_are_written_once(samples):
    folder = samples[0].path.parent
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert len(before) == 8
    assert write_sample_videos(folder, size=96, fps=4) == samples
    assert before == {path: path.stat().st_mtime_ns
                      for path in folder.iterdir()}


def test_samples_command(tmp_path, monkeypatch, capsys):
    made = write_sample_videos
    monkeypatch.setattr(
        'mmavs.datasets.synthetic.sample_videos.write_sample_videos',
        lambda folder: made(folder, size=32, fps=1))
    with pytest.raises(SystemExit) as stopped:
        cli.main(['samples', str(tmp_path / 'clips')])
    assert stopped.value.code == 0
    printed = capsys.readouterr().out.split()
    assert sorted(printed) == sorted(
        str(path) for path in (tmp_path / 'clips').iterdir())


def test_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    monkeypatch.delenv('MMAVS_CACHE', raising=False)
    assert cache_folder().parent == tmp_path / 'mmavs'
    monkeypatch.setenv('MMAVS_CACHE', str(tmp_path / 'mine'))
    assert cache_folder().parent == tmp_path / 'mine'


@pytest.fixture
def video(tmp_path):
    """Four seconds, 41 pixels high, with a tone of 440 Hz."""
    frames = (np.full((41, 60, 3), 12 * i, np.uint8) for i in range(20))
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(4 * 44100) / 44100)
    write_video(tmp_path / 'a.mp4', frames, 5, sample_rate=44100,
                audio=tone.astype(np.float32))
    return tmp_path / 'a.mp4'


def test_a_copy_keeps_pictures_and_sound(video, tmp_path):
    copy_clip(video, tmp_path / 'b.mp4')
    one, two = VideoSource(video), VideoSource(tmp_path / 'b.mp4')
    assert two.duration == pytest.approx(one.duration, abs=0.05)
    for (t, a), (u, b) in zip(one.frames(), two.frames(), strict=True):
        assert t == pytest.approx(u, abs=0.01)
        assert np.abs(a.astype(int)[:40] - b[:40]).mean() < 3
    old, new = (read_audio(p).numpy()[:60000]
                for p in (video, tmp_path / 'b.mp4'))
    assert np.abs(old - new).mean() < 0.02


def test_a_copy_is_cut_and_made_small(video, tmp_path):
    copy_clip(video, tmp_path / 'b.mp4', max_seconds=2, max_height=20)
    copy = VideoSource(tmp_path / 'b.mp4')
    assert copy.size[0] == 20 and copy.size[1] == pytest.approx(30, abs=1)
    assert copy.num_frames == 10
    assert copy.audio_duration == pytest.approx(2, abs=0.1)


def test_another_sound_is_repeated_over_the_copy(video, tmp_path):
    sound = np.zeros(16000, np.float32)
    sound[:8000] = 0.5 * np.sin(np.arange(8000))
    copy_clip(video, tmp_path / 'b.mp4', sound=sound)
    heard = read_audio(tmp_path / 'b.mp4').numpy()
    level = [np.abs(heard[k * 8000 + 1000:k * 8000 + 7000]).mean()
             for k in range(8)]
    assert min(level[::2]) > 0.2 and max(level[1::2]) < 0.02


def test_a_copy_of_a_silent_video_has_a_track(tmp_path):
    frames = np.zeros((6, 32, 32, 3), np.uint8)
    write_video(tmp_path / 'a.mp4', frames, 2)
    copy_clip(tmp_path / 'a.mp4', tmp_path / 'b.mp4')
    assert VideoSource(tmp_path / 'b.mp4').audio_duration > 2.5
    assert np.abs(read_audio(tmp_path / 'b.mp4').numpy()).max() < 1e-3


def test_the_mask_follows_the_sound(samples, inferencer, tmp_path):
    studio = Studio(inferencer, samples, tmp_path)
    own, muted, swapped = (
        studio.show(samples[0].path, sound, fps=2)
        for sound in ('own', 'muted', 'swapped'))
    assert own.share > 0.02 and swapped.share > 0.02
    assert muted.share < own.share / 4
    pictures = [np.stack([f for _, f in VideoSource(s.overlay).frames()])
                for s in (own, swapped)]
    changed = np.abs(pictures[0].astype(int) - pictures[1]).max(-1) > 40
    assert changed.mean() > 0.03
    # The twin itself gives what the sample gives with its sound.
    twin = studio.show(samples[0].twin, fps=2)
    assert twin.share == pytest.approx(swapped.share, abs=0.02)
    # Seen before: no second prediction.
    assert studio.show(samples[0].path, 'muted', fps=2) is muted
    with pytest.raises(ValueError, match='sound must be one of'):
        studio.show(samples[0].path, 'louder')


def test_other_videos_get_the_sound_of_a_sample(video, samples, inferencer,
                                                tmp_path):
    studio = Studio(inferencer, samples, tmp_path)
    studio.show(video, 'swapped', fps=1)
    (clip, ) = (tmp_path / 'clips').iterdir()
    heard, sample = (read_audio(path).numpy()[2000:60000]
                     for path in (clip, samples[0].path))
    assert np.corrcoef(heard, sample)[0, 1] > 0.9


def test_marked_shares(tmp_path):
    records = [dict(frame=0, area=10), dict(frame=0, area=5),
               dict(frame=2, area=50)]
    (tmp_path / 'a.json').write_text(json.dumps(dict(
        video=dict(height=10, width=10), annotations=records)))
    assert marked_shares(tmp_path / 'a.json', 4) == pytest.approx(
        [0.15, 0, 0.5, 0])


def test_share_bars():
    text = share_bars(dict(muted=0., own=0.2))
    assert re.findall(r'data-sound="(\w+)"', text) == ['own', 'muted']
    assert re.findall(r'width: ([\d.]+)%', text) == ['100.0', '0.0']
    assert share_bars({}) == ''


def test_without_gradio_the_command_says_what_to_do(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, 'gradio', None)
    monkeypatch.delenv('MMAVS_TRACEBACK', raising=False)
    with pytest.raises(SystemExit) as stopped:
        cli.main(['demo'])
    assert stopped.value.code == 1
    error = capsys.readouterr().err
    assert "pip install 'mmavs[demo]'" in error
    assert 'Traceback' not in error


def python_with_gradio(repo_dir):
    """This Python, or the one of .venv-demo beside the checkout's."""
    if importlib.util.find_spec('gradio'):
        return sys.executable
    other = repo_dir / '.venv-demo' / 'bin' / 'python'
    if not other.exists():
        pytest.skip('gradio is absent, here and in .venv-demo')
    return str(other)


@pytest.fixture
def served(repo_dir, tmp_path):
    """The address of a running page."""
    python = python_with_gradio(repo_dir)
    if find_chromium() is None:
        pytest.skip('chromium and chromedriver are absent (Debian: apt '
                    'install chromium chromium-driver)')
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    log = tmp_path / 'log.txt'
    with open(log, 'w') as file:
        process = subprocess.Popen(
            [python, '-m', 'mmavs.cli', 'demo', '--port', str(port),
             '--device', 'cpu'], cwd=repo_dir, stdout=file, stderr=file,
            preexec_fn=hear_ctrl_c,
            env=dict(os.environ, MMAVS_CACHE=str(tmp_path / 'cache'),
                     TMPDIR=str(tmp_path)))
    try:
        end = time.monotonic() + 480
        while 'in a browser' not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.3)
        yield f'http://127.0.0.1:{port}'
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    # Ctrl-C leaves nothing behind.
    assert not list(tmp_path.glob('mmavs-demo-*'))


STATE = """
const video = document.querySelector('#overlay video');
const shares = [...document.querySelectorAll('#shares [data-share]')];
return {source: video ? video.currentSrc : '', width: video ?
  video.videoWidth : 0, time: video ? video.currentTime : 0,
  heard: video ? video.webkitAudioDecodedByteCount : 0,
  picture: (document.querySelector('#timeline img') || {}).src,
  shares: Object.fromEntries(shares.map(
    s => [s.dataset.sound, parseFloat(s.dataset.share)]))};
"""
# Mean difference of the overlay at some time to the plain video.
PIXELS = """
const done = arguments[arguments.length - 1];
const video = document.querySelector('#overlay video');
video.pause();
video.onseeked = () => {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 64;
  const pen = canvas.getContext('2d');
  pen.drawImage(video, 0, 0, 64, 64);
  done([...pen.getImageData(0, 0, 64, 64).data]);
};
video.currentTime = 2.6;
"""


@pytest.mark.slow
def test_page_in_a_browser(served, tmp_path):
    """Open the page, run a sample, see the overlay, mute and swap."""
    with Browser(tmp_path / 'profile', size=(1240, 1080)) as browser:
        browser.requested()  # the browser's own first page
        browser.open(served)
        browser.wait('return document.querySelectorAll("#samples img")'
                     '.length == 4')
        browser.click('#samples .thumbnail-item')
        pictures, states = {}, {}
        for sound in ('own', 'muted', 'swapped'):
            if sound != 'own':
                browser.click(f'#sound-{sound}')
            browser.wait('return document.querySelector("#shares '
                         f'[data-sound={sound}]")', seconds=300)
            browser.wait('const v = document.querySelector("#overlay video");'
                         'return v && v.videoWidth && !v.src.includes('
                         'arguments[0])',
                         states.get('last', 'none').split('/')[-1])
            states[sound] = browser.run(STATE)
            states['last'] = states[sound]['source']
            pictures[sound] = np.reshape(
                browser.run_async(PIXELS), (64, 64, 4))[..., :3].astype(int)
        if os.environ.get('MMAVS_SCREENSHOT'):
            browser.screenshot(tmp_path / 'demo.png')
            shutil.copyfile(tmp_path / 'demo.png',
                            os.environ['MMAVS_SCREENSHOT'])
        asked = browser.requested()
    # Overlays with sound, each with its own picture of it.
    for sound in pictures:
        assert states[sound]['width'] == 256 and states[sound]['heard'] > 0
    assert len({states[sound]['picture'] for sound in pictures}) == 3
    # Without sound nothing is marked; with another sound something else.
    shares = states['swapped']['shares']
    assert shares['muted'] < shares['own'] / 4
    own = np.abs(pictures['own'] - pictures['muted']).max(-1) > 40
    swapped = np.abs(pictures['swapped'] - pictures['muted']).max(-1) > 40
    assert own.mean() > 0.02 and swapped.mean() > 0.02
    assert (own & swapped).sum() < 0.5 * (own | swapped).sum()
    # The page works without a network: it asks nobody else.
    asked = [url for url in asked if url.startswith(('http', 'ws'))]
    assert len(asked) > 10
    assert [url for url in asked if not url.startswith(served)] == []
