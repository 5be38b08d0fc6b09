# Copyright (c) OpenMMLab. All rights reserved.
"""The readers of files, as targets: bytes in, one of our errors or a result.

``TARGETS`` maps a name to a :class:`Target`; calling it with the content of a
file checks everything that must hold whatever the content is. Used by the
quick tests in ``tests/test_fuzz`` and by ``tests/fuzz/run.py``.
"""

import io
import json
import os
import pickle
import tempfile
import warnings
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from mmavs.audio import read_wav, read_wav_info, read_waveform
from mmavs.datasets import AVSBenchMS3Dataset, AVSBenchSemanticDataset
from mmavs.datasets.errors import ClipError
from mmavs.datasets.transforms import LoadClipFrames, LoadClipMasks
from mmavs.io.checkpoint import CheckpointError, load_checkpoint_file
from mmavs.io.tensor_pickle import load_tensor_pickle
from mmavs.video import VideoError
from mmavs.video.reader import probe_video, read_audio, read_frames
from mmavs.video.source import VideoSource
from mmavs.video.writer import write_video

SECONDS = 2


@dataclass(frozen=True)
class Target:
    """A reader and valid files for it.

    Args:
        suffix (str): Of its files.
        read (Callable): Path to a result; checks the result.
        errors (tuple): What it may raise; the message holds the path.
        seeds (Callable): Returns contents of valid files.
    """

    suffix: str
    read: Callable[[str], object]
    errors: tuple[type[Exception], ...]
    seeds: Callable[[], list[bytes]]

    def __call__(self, content: bytes) -> str | None:
        """Read a file of this content.

        Returns:
            str | None: The error's message, None if the file could be read.
        """
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, f'clip{self.suffix}')
            Path(path).write_bytes(content)
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')
                try:
                    self.read(path)
                except self.errors as error:
                    assert path in str(error), f'no path in: {error}'
                    return str(error)
        return None


def _read_wav(path: str) -> None:
    info = read_wav_info(path)
    samples, rate = read_wav(path, max_seconds=SECONDS)
    assert samples.dtype == np.float32 and rate == info.sample_rate
    assert samples.shape[0] == info.num_channels
    assert samples.shape[1] <= min(info.num_samples, SECONDS * rate + 1)
    assert np.isfinite(samples).all()
    waveform = read_waveform(path, max_seconds=SECONDS)
    assert waveform.isfinite().all() and len(waveform) <= SECONDS * 16000


def _wav_seeds() -> list[bytes]:
    found = []
    time = np.arange(400)
    for rate, channels in ((16000, 1), (44100, 2)):
        samples = np.sin(time[:, None] * (0.1 + np.arange(channels)))
        buffer = io.BytesIO()
        with wave.open(buffer, 'wb') as file:
            file.setnchannels(channels)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes((samples * 9999).astype('<i2').tobytes())
        found.append(buffer.getvalue())
    from scipy.io import wavfile
    buffer = io.BytesIO()
    wavfile.write(buffer, 22050, np.sin(time).astype(np.float32))
    return [*found, buffer.getvalue()]


def _read_pickle(path: str) -> None:
    tensor = load_tensor_pickle(path, max_bytes=2**22)
    assert isinstance(tensor, torch.Tensor) and tensor.is_contiguous()
    assert tensor.numel() * tensor.element_size() <= 2**22


def _pickle_seeds() -> list[bytes]:
    values = torch.randn(2, 1, 3, 4, generator=torch.Generator())
    return [pickle.dumps(value, protocol=protocol) for protocol in (3, 4)
            for value in (values, values.double().requires_grad_())]


def _read_checkpoint(path: str) -> None:
    assert load_checkpoint_file(path) is not None


def _checkpoint_seeds() -> list[bytes]:
    found = []
    for zipped in (True, False):
        buffer = io.BytesIO()
        torch.save(dict(state_dict=dict(a=torch.ones(2, 3)),
                        meta=dict(epoch=1, score=np.float64(0.5))), buffer,
                   _use_new_zipfile_serialization=zipped)
        found.append(buffer.getvalue())
    return found


def _read_ms3_csv(path: str) -> None:
    clips = AVSBenchMS3Dataset(
        data_root=os.path.dirname(path), ann_file=os.path.basename(path),
        serialize_data=False).data_list
    assert clips and all(clip['clip_id'] for clip in clips)


def _read_avss_csv(path: str) -> None:
    clips = AVSBenchSemanticDataset(
        data_root=os.path.dirname(path), ann_file=os.path.basename(path),
        serialize_data=False).data_list
    assert clips and len({clip['clip_id'] for clip in clips}) == len(clips)


def _csv_seeds() -> list[bytes]:
    return [b'video_id,split,objects,sounding\n'
            b'a_0,train,dog|bird,10|01\nb_1,train,cat,1|0\n"c,2",val,,\n',
            'video_id,split\n\u00e4b,train\n'.encode('utf-8-sig')]


def _avss_seeds() -> list[bytes]:
    return [b'vid,uid,s_min,s_sec,a_obj,split,label\n'
            b'a,a,0,0,dog_cat,train,v1s\nb,b,0,0,dog,train,v2\n']


def _read_label_table(path: str) -> None:
    os.rename(path, os.path.join(os.path.dirname(path), 'label2idx.json'))
    try:
        dataset = AVSBenchSemanticDataset(
            data_root=os.path.dirname(path), lazy_init=True)
    except ValueError as error:
        raise ValueError(str(error).replace('label2idx.json', 'clip.json')
                         ) from error
    assert all(isinstance(name, str) for name in dataset.metainfo['classes'])


def _read_image(path: str) -> None:
    clip = LoadClipFrames().transform(dict(clip_id='c', frame_paths=[path]))
    frame, = clip['frames']
    assert frame.dtype == np.uint8 and frame.shape[2:] == (3, )
    assert frame.size <= 3 * 2**26
    for kind in ('binary', 'semantic'):
        masks = LoadClipMasks(kind, num_classes=256).transform(dict(
            clip_id='c', mask_paths=[path], label_valid=[True]))['masks']
        assert masks[0].shape == frame.shape[:2]
        assert masks[0].dtype == np.uint8


def _image_seeds(kind: str, *modes: str) -> Callable[[], list[bytes]]:
    def seeds() -> list[bytes]:
        grey = (np.arange(24 * 20).reshape(24, 20) % 3).astype(np.uint8)
        found = []
        for mode in modes:
            buffer = io.BytesIO()
            Image.fromarray(grey).convert(mode).save(buffer, kind)
            found.append(buffer.getvalue())
        return found
    return seeds


def _read_video(path: str) -> None:
    probe_video(path)
    frames = read_frames(path, [0., 0.4, 9.])
    assert all(f.dtype == np.uint8 and f.shape[2] == 3 for f in frames)
    sound = read_audio(path, duration=SECONDS, on_missing='silence')
    assert len(sound) <= SECONDS * 16000 and sound.isfinite().all()
    source = VideoSource(path)
    assert source.num_frames > 0 and source.duration < 1e5
    for count, (_, frame) in enumerate(source.frames()):
        assert frame.shape[2] == 3 and count < 10 * source.num_frames
    length = sum(map(len, source.sound()))
    assert length <= 1e5 * (source.sample_rate or 1)


def _video_seeds() -> list[bytes]:
    found = []
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        for sound in (None, np.sin(np.arange(8000) * .1).astype(np.float32)):
            path = os.path.join(folder, 'a.mp4')
            write_video(path, (np.roll(picture, k, axis=1) for k in range(4)),
                        8, audio=sound,
                        sample_rate=None if sound is None else 16000)
            found.append(Path(path).read_bytes())
    return found


TARGETS = dict(
    wav=Target('.wav', _read_wav, (ValueError, ), _wav_seeds),
    pickle=Target('.pkl', _read_pickle, (ValueError, ), _pickle_seeds),
    checkpoint=Target('.pth', _read_checkpoint, (CheckpointError, ),
                      _checkpoint_seeds),
    csv=Target('.csv', _read_ms3_csv, (ValueError, ), _csv_seeds),
    avss_csv=Target('.csv', _read_avss_csv, (ValueError, ), _avss_seeds),
    labels=Target('.json', _read_label_table, (ValueError, ), lambda: [
        json.dumps(dict(background=0, dog=1)).encode()]),
    png=Target('.png', _read_image, (ClipError, ),
               _image_seeds('PNG', 'L', 'RGB', 'P', 'RGBA')),
    jpg=Target('.jpg', _read_image, (ClipError, ),
               _image_seeds('JPEG', 'L', 'RGB')),
    mp4=Target('.mp4', _read_video, (VideoError, ), _video_seeds),
)
