# Copyright (c) OpenMMLab. All rights reserved.
"""The log-mel front end of VGGish (and, with another offset, YAMNet).

Sound at 16 kHz is cut into windows of 25 ms every 10 ms; each gives 64 mel
magnitudes, and 96 of these frames (0.96 s) make one *example*, which the
audio encoder turns into one token.

The official front end (Hershey et al., "CNN architectures for large-scale
audio classification", https://arxiv.org/abs/1609.09430) does not centre its
windows, does not pad, drops incomplete ones, takes magnitudes and not
powers, and draws its triangles on the mel axis, where ``torchaudio`` has
triangles in Hz.
"""

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from .waveform import SAMPLE_RATE

WINDOW = 400  # 25 ms
HOP = 160  # 10 ms
FFT_SIZE = 512
NUM_MELS = 64
MEL_RANGE = (125.0, 7500.0)
EXAMPLE_FRAMES = 96
SECOND_FRAMES = SAMPLE_RATE // HOP
FRAMINGS = ('clip', 'second')
PADS = ('repeat', 'zero', 'silence')


def _hertz_to_mel(hertz: Tensor) -> Tensor:
    return 1127.0 * torch.log1p(hertz / 700.0)


@lru_cache(maxsize=1)
def mel_matrix() -> Tensor:
    """Return the matrix from FFT bins to mel bands, (257, 64) float64.

    Triangles that are linear in mel between 66 edges equally spaced from
    125 to 7500 Hz, without area normalisation; bin 0 has no weight.
    """
    bins = torch.linspace(0, SAMPLE_RATE / 2, FFT_SIZE // 2 + 1,
                          dtype=torch.float64)
    mel = _hertz_to_mel(bins)[:, None]  # (257, 1)
    low, high = _hertz_to_mel(torch.tensor(MEL_RANGE, dtype=torch.float64))
    edges = torch.linspace(low.item(), high.item(), NUM_MELS + 2,
                           dtype=torch.float64)
    left, middle, right = edges[:-2], edges[1:-1], edges[2:]  # (64,)
    rising = (mel - left) / (middle - left)
    falling = (right - mel) / (right - middle)
    matrix = torch.minimum(rising, falling).clamp_min(0)
    matrix[0] = 0
    return matrix


def log_mel_frames(waveform: Tensor, *, log_offset: float = 0.01) -> Tensor:
    """Compute a log-mel frame for every complete 25 ms window.

    Args:
        waveform (Tensor): (..., samples) at 16 kHz, in [-1, 1].
        log_offset (float): Added before the logarithm: 0.01 for VGGish,
            0.001 for YAMNet. Defaults to 0.01.

    Returns:
        Tensor: (..., F, 64), F = 1 + floor((samples - 400) / 160), or 0
        frames where the sound is shorter than a window.
    """
    if waveform.shape[-1] < WINDOW:
        return waveform.new_zeros(*waveform.shape[:-1], 0, NUM_MELS)
    window, matrix = _constants(waveform.dtype, waveform.device)
    # windows as long as the FFT, zero after WINDOW samples: no second copy
    sound = F.pad(waveform, (0, FFT_SIZE - WINDOW))
    frames = sound.unfold(-1, FFT_SIZE, HOP) * window  # (..., F, 512)
    parts = torch.view_as_real(torch.fft.rfft(frames)).square_()
    # the root of the sum: many times faster than abs of complex numbers
    magnitude = (parts[..., 0] + parts[..., 1]).sqrt_()  # (..., F, 257)
    return (magnitude @ matrix).add_(log_offset).log_()  # (..., F, 64)


@lru_cache(maxsize=8)
def _constants(dtype: torch.dtype, device: torch.device
               ) -> tuple[Tensor, Tensor]:
    """The window, padded to (512,), and the mel matrix (257, 64)."""
    window = torch.hann_window(WINDOW, periodic=True, dtype=dtype,
                               device=device)
    window = F.pad(window, (0, FFT_SIZE - WINDOW))
    return window, mel_matrix().to(device=device, dtype=dtype)


def _window_starts(num_seconds: int, tokens: int, framing: str) -> Tensor:
    """First frame of every token's example, (T, N)."""
    seconds = torch.arange(num_seconds)[:, None]
    steps = torch.arange(tokens)[None] * (EXAMPLE_FRAMES // tokens)
    pace = EXAMPLE_FRAMES if framing == 'clip' else SECOND_FRAMES
    return seconds * pace + steps


def _check(framing: str, tokens: int, pad: str) -> None:
    if framing not in FRAMINGS:
        raise ValueError(f'framing must be one of {FRAMINGS}, got '
                         f'{framing!r}')
    if pad not in PADS:
        raise ValueError(f'pad must be one of {PADS}, got {pad!r}')
    if tokens < 1 or EXAMPLE_FRAMES % tokens:
        raise ValueError('tokens_per_second must divide 96 (the frames of '
                         f'an example), got {tokens}')


def log_mel_spectrogram(waveform: Tensor, *, num_seconds: int | None = None,
                        framing: str = 'clip', tokens_per_second: int = 1,
                        pad: str = 'repeat', log_offset: float = 0.01,
                        num_samples: Tensor | None = None) -> Tensor:
    """Cut the log-mel spectrogram of a clip into examples, N per second.

    Token n of second t is the example that starts at

    - ``framing='clip'``: 0.96 t + 0.96 n/N seconds, as AVSBench's data were
      made. This grid drifts against the frames: example 5 ends at 4.815 s.
      Where the sound ends too early, ``pad`` says what takes the place of
      incomplete examples.
    - ``framing='second'``: t + 0.96 n/N seconds. For N = 1 this is the front
      end applied to every second on its own. Further tokens reach into the
      next second, so that together they surround the moment t + 15/16 s at
      which AVSBench takes its frames. The sound is followed by silence.

    Token 0 of a second is the same for every N.

    Args:
        waveform (Tensor): (..., samples) mono at 16 kHz; leading axes are
            a batch.
        num_seconds (int, optional): T; None rounds the length of the sound
            (at least 1). Sound after that is ignored. Defaults to None.
        framing (str): 'clip' or 'second'. Defaults to 'clip'.
        tokens_per_second (int): N, a divisor of 96. Defaults to 1.
        pad (str): For framing 'clip': 'repeat' the last complete example
            (S4 and MS3; silence if there is none), 'zero' values (AVSS's
            loader), or the spectrogram of 'silence' after the end. Defaults
            to 'repeat'.
        log_offset (float): See :func:`log_mel_frames`. Defaults to 0.01.
        num_samples (Tensor, optional): Where each sound of a batch ends,
            int64 with the leading axes' shape; zeros must follow. Defaults
            to None, the whole length.

    Returns:
        Tensor: (..., T, N, 1, 96, 64), of the waveform's dtype.

    Raises:
        ValueError: If an argument is not one of the above, or the waveform
            is not floating point.
    """
    _check(framing, tokens_per_second, pad)
    if not waveform.is_floating_point():
        raise ValueError('waveform must be floating point in [-1, 1], got '
                         f'{waveform.dtype}')
    batch, device = waveform.shape[:-1], waveform.device
    length = waveform.shape[-1]
    if num_seconds is None:
        num_seconds = max(1, round(length / SAMPLE_RATE))
    starts = _window_starts(num_seconds, tokens_per_second, framing)
    num_frames = int(starts.max()) + EXAMPLE_FRAMES
    needed = (num_frames - 1) * HOP + WINDOW
    if framing == 'second' and length > num_seconds * SAMPLE_RATE:
        waveform = waveform[..., :num_seconds * SAMPLE_RATE]
    padded = F.pad(waveform, (0, max(0, needed - waveform.shape[-1])))
    frames = log_mel_frames(padded[..., :needed], log_offset=log_offset)
    if num_samples is None:
        num_samples = torch.tensor(length, device=device).expand(batch)
    ends = num_samples[..., None, None]  # (..., 1, 1)
    starts = starts.to(device).expand(*batch, -1, -1)  # (..., T, N)
    if framing == 'clip' and pad == 'repeat':
        starts = starts.minimum(_last_complete(ends, tokens_per_second))
    offsets = torch.arange(EXAMPLE_FRAMES, device=device)
    index = (starts[..., None] + offsets).flatten(-3)  # (..., T*N*96)
    if batch:
        examples = frames.gather(
            -2, index[..., None].expand(*index.shape, NUM_MELS))
    else:  # copies whole frames
        examples = frames.index_select(0, index)
    examples = examples.unflatten(-2, (*starts.shape[-2:], EXAMPLE_FRAMES))
    if framing == 'clip' and pad == 'zero':
        missing = (starts + EXAMPLE_FRAMES - 1) * HOP + WINDOW > ends
        examples = examples.masked_fill(missing[..., None, None], 0)
    return examples.unsqueeze(-3)  # (..., T, N, 1, 96, 64)


def _last_complete(samples: Tensor, tokens: int) -> Tensor:
    """First frame of the last example that the sound fills, at least 0."""
    num_frames = 1 + (samples - WINDOW) // HOP
    hop = EXAMPLE_FRAMES // tokens
    return ((num_frames - EXAMPLE_FRAMES) // hop * hop).clamp(min=0)


def silent_value(log_offset: float = 0.01) -> float:
    """Return the value that silence has everywhere in a log-mel."""
    return math.log(log_offset)
