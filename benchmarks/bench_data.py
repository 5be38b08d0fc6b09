# Copyright (c) OpenMMLab. All rights reserved.
"""Loading clips, importing the package, indexing a large data set."""

import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import plain
import torch
from common import Row, race, summary
from mmengine.registry import init_default_scope
from PIL import Image
from scipy.io import wavfile

from mmavs.datasets import AVSBenchMS3Dataset, AVSBenchS4Dataset
from mmavs.datasets.synthetic import write_synthetic

PIPELINE = [
    dict(type='LoadClipFrames'),
    dict(type='LoadClipMasks', kind='binary'),
    dict(type='LoadClipAudio'),
    dict(type='ResizeFrames', size=224),
    dict(type='LogMelSpectrogram'),
    dict(type='PackAVSInputs'),
]


def run(quick: bool) -> list[Row]:
    init_default_scope('mmavs')
    with tempfile.TemporaryDirectory() as folder:
        return [loading(Path(folder), 4 if quick else 16),
                index(Path(folder)), start(3 if quick else 7)]


def loading(folder: Path, clips: int) -> Row:
    write_synthetic(folder, layouts=['ms3'], num_train=clips, num_val=1,
                    num_test=1, sample_rate=44100)
    dataset = AVSBenchMS3Dataset(
        data_root=str(folder / 'Multi-sources'), pipeline=PIPELINE)
    infos = [dataset.get_data_info(i) for i in range(len(dataset))]

    def ours() -> None:
        for i in range(len(dataset)):
            dataset[i]

    try:
        import resampy  # noqa: F401
    except ImportError:
        return Row(f'loading {clips} clips', 'ms', None, None,
                   note='pip install resampy')

    def straightforward() -> None:
        for info in infos:
            for path in info['frame_paths']:
                picture = Image.open(path).convert('RGB').resize((224, 224))
                torch.from_numpy(np.array(picture)).permute(2, 0, 1)
            for path in info['mask_paths']:
                np.array(Image.open(path).convert('L')).astype(bool)
            rate, sound = wavfile.read(info['audio_path'])
            stereo = np.atleast_2d(sound.astype(np.float32).T / 2**15)
            plain.log_mel(stereo, rate)

    return race(f'loading {clips} clips of 5 s, one process',
                straightforward, ours, repeats=3,
                note='plain: PIL, scipy, resampy; without checks')


def index(folder: Path) -> Row:
    """Only tables are read; the files are opened when they are needed."""
    path = folder / 'large' / 's4_meta_data.csv'
    path.parent.mkdir()
    rows = [(f'clip{i:07d}', 0, 'dog_barking', 'train')
            for i in range(12_000)]
    with open(path, 'w', newline='', encoding='utf-8') as file:
        csv.writer(file).writerows(
            [('name', 'start', 'category', 'split'), *rows])
    (path.parent / 's4_data').mkdir()
    samples = []
    for _ in range(3):
        begin = time.perf_counter()
        assert len(AVSBenchS4Dataset(data_root=str(path.parent))) == 12_000
        samples.append((time.perf_counter() - begin) * 1e3)
    median, spread = summary(samples)
    return Row('index of 12,000 clips', 'ms', None, median,
               ours_spread=spread)


def start(repeats: int) -> Row:
    samples: dict[str, list[float]] = {'torch, mmengine': [], 'mmavs': []}
    code = {'torch, mmengine': 'import torch, mmengine.runner',
            'mmavs': 'import mmavs, mmavs.models, mmavs.datasets'}
    for _ in range(repeats):
        for name, times in samples.items():
            begin = time.perf_counter()
            subprocess.run([sys.executable, '-c', code[name]], check=True)
            times.append((time.perf_counter() - begin) * 1e3)
    (a, spread_a), (b, spread_b) = map(summary, samples.values())
    return Row('start-up: import of everything', 'ms', a, b,
               plain_spread=spread_a, ours_spread=spread_b,
               note='plain: import of torch and mmengine alone')
