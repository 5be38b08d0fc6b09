# Copyright (c) OpenMMLab. All rights reserved.
"""Going through one input, so that another process can go on with it."""

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import av
from mmengine.logging import print_log

from mmavs.io.atomic import atomic_write

from .identity import differences
from .journal import Journal
from .output import Output
from .outputs import work_folder
from .overlay_video import OverlayVideo
from .windows import Window


class Run:
    """The outputs of one input: complete, or to be gone on with.

    While it goes on, all files lie in ``STEM.partial/`` beside a journal.
    They get their final names when the last window is done. A run that stops
    early leaves the folder and, of an overlay, ``STEM.partial.mp4``, which
    can be played. Used as a context manager.

    Args:
        folder (Path): Where outputs end up.
        stem (str): What they are named after.
        outputs (Mapping[str, Output]): By kind.
        identity (dict, optional): All that decides what is written, see
            ``differences``; None if no other run can go on with this one.
        total (int): Number of masks of the input.
        resume (bool): Go on with what an earlier run has left. Defaults to
            False: start over.

    Attributes:
        done (int): Masks that were written, those of earlier runs included.
        times (list[float]): Of these masks, in seconds.

    Raises:
        ValueError: If there is a run to go on with, but another one.
    """

    def __init__(self, folder: Path, stem: str,
                 outputs: Mapping[str, Output], *, identity: dict | None,
                 total: int, resume: bool = False) -> None:
        self._work = work_folder(folder, stem)
        self._part = folder / f'{stem}.partial.mp4'
        # Says of complete outputs what they were made with.
        self._record = folder / f'.{stem}.run.json'
        self._journal = Journal(self._work / 'journal.jsonl')
        self._outputs, self._identity = outputs, identity
        self._stem, self._total = stem, total
        self._states: list[dict] = []
        self.done, self.times = 0, []
        self._resume = resume
        self._published = False
        if resume:
            self._read()

    def _read(self) -> None:
        found = self._journal.read()
        if found is not None and found[1]:
            before, self._states = found
        elif self._record.is_file() and all(
                output.path.exists() for output in self._outputs.values()):
            content = json.loads(self._record.read_text())
            before, self.times = content['run'], content['times']
            self.done, self._published = len(self.times), True
        else:
            return
        other = differences(before, self._identity)
        if other:
            raise ValueError(
                f'{self._work.with_suffix("")}: cannot go on with what is '
                f'there, as {" and ".join(other)}; take what it was begun '
                'with, or start over without resume')
        for state in self._states:
            self.times += state['times']
        self.done = len(self.times)

    def __enter__(self) -> 'Run':
        if self._published:
            return self
        if self._states:
            self._journal.go_on()
        else:
            self._clear(warn=not self._resume)
            self._record.unlink(missing_ok=True)
            self._journal.begin(self._identity or {})
        if self.done < self._total:
            for kind, output in self._outputs.items():
                output.resume(self._of(kind))
        return self

    def _of(self, kind: str) -> list[dict]:
        """What an output said of each window."""
        return [state['outputs'][kind] for state in self._states]

    def add(self, window: Window) -> None:
        """Write a window to all outputs."""
        state = dict(times=window.times, outputs={
            kind: output.add(window)
            for kind, output in self._outputs.items()})
        self._journal.append(state)
        self._states.append(state)
        self.times += window.times
        self.done += len(window.times)

    def __exit__(self, kind, value, traceback) -> None:
        if self._published:
            return
        try:
            if kind is None:
                self._publish()
                return
        except BaseException:
            self._leave()
            raise
        self._leave()

    def _publish(self) -> None:
        for kind, output in self._outputs.items():
            output.publish(self._of(kind))
        if self._identity is not None:
            with atomic_write(self._record, mode='w') as file:
                json.dump(dict(run=self._identity, times=self.times), file)
        self._journal.close()
        self._clear()

    def _leave(self) -> None:
        """Close all; keep what can be of use."""
        for output in self._outputs.values():
            with suppress(OSError):  # a full disk
                output.close()
        self._journal.close()
        # The stop may have come between a line of the journal and ours.
        _, self._states = self._journal.read() or ({}, [])
        done = sum(len(state['times']) for state in self._states)
        if not self._states:
            self._clear()
            return
        part = ''
        video = self._outputs.get('video')
        if isinstance(video, OverlayVideo):
            # The first error is the one to report.
            with suppress(OSError, ValueError, av.error.FFmpegError):
                if video.publish_part(self._part, self._of('video')):
                    part = f'; {self._part} shows them'
        hint = '; resume (--resume) goes on from there'
        if self._identity is None:
            shutil.rmtree(self._work, ignore_errors=True)
            hint = ''
        print_log(f'{self._stem}: stopped after {done} of '
                  f'{self._total} masks{part}{hint}', logger='current',
                  level=30)

    def _clear(self, warn: bool = False) -> None:
        """Remove what an unfinished run has left."""
        if warn and (self._journal.read() or (0, ()))[1]:
            print_log(f'{self._work}: starting over; resume (--resume) '
                      'would have gone on with it', logger='current',
                      level=30)
        for path in (self._part, self._work):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
