# Copyright (c) OpenMMLab. All rights reserved.
"""Embeddings of sounds from disk instead of an encoder at run time."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mmavs.audio import SAMPLE_RATE, read_wav_info
from mmavs.datasets.errors import ClipError
from mmavs.io.embedding_cache import EmbeddingCache
from mmavs.registry import TRANSFORMS

from .audio import LogMelSpectrogram
from .base import ClipTransform
from .load_audio import LENGTH_TOLERANCE

TOOL = 'tools/misc/cache_audio.py'


@TRANSFORMS.register_module()
class LoadAudioEmbedding(ClipTransform):
    """Read a clip's audio embedding that ``cache_audio.py`` has computed.

    It takes the place of ``LoadClipAudio`` and ``LogMelSpectrogram``, for
    frozen encoders; ``PackAVSInputs(collect_keys=('frames',
    'audio_embedding'))`` hands the embedding to the model. What belongs to
    another sound, other settings or other weights is never used.

    Required Keys:

    - clip_id
    - num_seconds (T)
    - audio_path or log_mel_path
    - audio_mode (optional): only 'true' (and swapped, where the data set has
      exchanged the paths); other modes change the sound itself

    Added Keys:

    - audio_embedding: (T, N, E) float32
    - audio_problem: as in ``LoadClipAudio``

    Args:
        cache_dir (str): Folder of the cache.
        encoder (Mapping): The model's ``audio_encoder``, frozen and with an
            ``init_cfg``.
        framing, tokens_per_second, pad, log_offset: As in
            ``LogMelSpectrogram``.
    """

    def __init__(self, *, cache_dir: str | os.PathLike, encoder: Mapping,
                 framing: str = 'clip', tokens_per_second: int = 1,
                 pad: str = 'repeat', log_offset: float = 0.01) -> None:
        self.front_end = dict(framing=framing, pad=pad,
                              tokens_per_second=tokens_per_second,
                              log_offset=log_offset)
        LogMelSpectrogram(**self.front_end)  # says what is wrong with them
        self.encoder = encoder
        self.cache = EmbeddingCache(
            cache_dir, encoder=encoder, front_end=dict(
                self.front_end, sample_rate=SAMPLE_RATE))

    def entry(self, results: dict) -> Path:
        """Where the clip's embedding is, or would be.

        Raises:
            ClipError: If the file of the sound cannot be read.
        """
        kind = 'log_mel' if 'log_mel_path' in results else 'wav'
        path = results[f'{kind}_path' if kind == 'log_mel' else 'audio_path']
        try:
            sound = Path(path).read_bytes()
        except OSError as error:
            raise ClipError(results['clip_id'], path,
                            f'cannot be read ({error.strerror})') from error
        return self.cache.path(sound, kind, results['num_seconds'])

    def transform(self, results: dict) -> dict:
        """Read the embedding; see the class.

        Raises:
            ClipError: If it was not computed yet.
            ValueError: If the pipeline or the data set changes the sound.
        """
        mode = results.get('audio_mode', 'true')
        if mode != 'true' or 'waveform' in results or 'log_mel' in results:
            cause = f'audio_mode={mode!r}' if mode != 'true' else (
                'LoadClipAudio before it')
            raise ValueError(
                f'{cause} has no effect on cached embeddings; load the sound '
                'with LoadClipAudio and LogMelSpectrogram instead of '
                'LoadAudioEmbedding')
        path = self.entry(results)
        embedding = self.cache.read(path)
        if embedding is None or embedding.shape[:2] != (
                results['num_seconds'],
                self.front_end['tokens_per_second']):
            raise ClipError(
                results['clip_id'], results.get(
                    'audio_path', results.get('log_mel_path')),
                f'its embedding is not in {self.cache.folder.parent} for '
                f'these settings and weights; run "python {TOOL} CONFIG"')
        results['audio_embedding'] = np.ascontiguousarray(embedding)
        if 'audio_path' in results:
            length = read_wav_info(results['audio_path']).duration
            seconds = results['num_seconds']
            if abs(length - seconds) > LENGTH_TOLERANCE:
                results['audio_problem'] = (
                    f'is {length:.2f} s long, the clip {seconds} s')
        return results

    def __repr__(self) -> str:
        return (f'LoadAudioEmbedding(cache={str(self.cache.folder)!r}, '
                f'front_end={self.front_end})')


def without_cache(pipeline: Sequence[Mapping]) -> list[dict]:
    """Return a pipeline that computes what it would read from the cache.

    Args:
        pipeline (Sequence[Mapping]): Configs of transforms.

    Returns:
        list[dict]: The same where it has no ``LoadAudioEmbedding``.
    """
    steps: list[dict] = []
    for step in map(dict, pipeline):
        name = getattr(step['type'], '__name__', step['type'])
        if name == 'LoadAudioEmbedding':
            options = {key: value for key, value in step.items()
                       if key not in ('type', 'cache_dir', 'encoder')}
            steps += [dict(type='LoadClipAudio'),
                      dict(type='LogMelSpectrogram', **options)]
        elif 'audio_embedding' in step.get('collect_keys', ()):
            steps.append(dict(step, collect_keys=[
                'log_mel' if key == 'audio_embedding' else key
                for key in step['collect_keys']]))
        else:
            steps.append(step)
    return steps
