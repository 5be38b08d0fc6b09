# Copyright (c) OpenMMLab. All rights reserved.
"""Other sound for the same clips, to see whether a model listens."""

import math

from mmengine.logging import print_log


def parse_audio_mode(mode: str) -> tuple[str, float | None]:
    """Split an audio mode into its kind and its signal-to-noise ratio.

    Args:
        mode (str): 'true', 'swapped', 'silence' or 'noise:SNR' with the
            ratio in decibels.

    Returns:
        tuple: The kind and, for noise, the ratio.

    Raises:
        ValueError: If the mode is none of these.
    """
    if mode in ('true', 'swapped', 'silence'):
        return mode, None
    kind, _, ratio = mode.partition(':')
    try:
        snr = float(ratio)
    except ValueError:
        snr = math.nan
    if kind != 'noise' or not math.isfinite(snr):
        raise ValueError(
            'audio_mode must be "true", "swapped", "silence" or '
            f'"noise:SNR" with SNR in decibels (noise:10), got {mode!r}')
    return kind, snr


def swap_audio(clips: list[dict]) -> None:
    """Give each clip the sound of another one, in place.

    It is the sound of the next clip (cyclic, sorted by id) whose set of
    sounding kinds shares none with the clip's own. Where a data set does not
    know the kinds of a clip it is the next clip of another video, with a
    warning, as the two may sound alike.

    Args:
        clips (list[dict]): All clips of a split, see
            :class:`AVSBenchDataset`. ``audio_path``, ``log_mel_path`` and
            ``audio_clip_id`` are changed.

    Raises:
        ValueError: If no other clip will do for one of them.
    """
    ordered = sorted(clips, key=lambda clip: clip['clip_id'])
    donors = [_find_donor(ordered, i) for i in range(len(ordered))]
    keys = ('audio_path', 'log_mel_path')
    sounds = [{key: donor[key] for key in keys if key in donor}
              for donor in donors]
    if any(clip['sound_kinds'] is None for clip in clips):
        print_log('the kinds of sound are not known for every clip; some '
                  'swapped sounds may be of the same kind', 'current', 30)
    for clip, donor, sound in zip(ordered, donors, sounds):
        clip.update(sound, audio_clip_id=donor['clip_id'])


def _find_donor(ordered: list[dict], index: int) -> dict:
    own = ordered[index]
    for step in range(1, len(ordered)):
        other = ordered[(index + step) % len(ordered)]
        if own['sound_kinds'] is None or other['sound_kinds'] is None:
            if other['video_id'] != own['video_id']:
                return other
        elif not set(own['sound_kinds']) & set(other['sound_kinds']):
            return other
    raise ValueError(
        f'audio_mode="swapped": no clip of this split sounds of other kinds '
        f'than clip {own["clip_id"]!r} ({own["sound_kinds"]}); use a larger '
        'split or audio_mode="silence"')
