# Copyright (c) OpenMMLab. All rights reserved.
"""Which clips were left out, and which had another sound than they should."""

import csv
from pathlib import Path

from mmengine.dist import all_gather_object, is_distributed, is_main_process
from mmengine.hooks import Hook

from mmavs.io import atomic_write
from mmavs.registry import HOOKS

_SHOWN = 20


@HOOKS.register_module()
class ClipReportHook(Hook):
    """Report broken clips at the end of every epoch, validation and test.

    Data sets with ``on_error='skip'`` leave out clips that cannot be read,
    and ``LoadClipAudio`` takes sounds of the wrong length and, if asked to,
    clips without a sound. The data samples say so in ``skipped`` and
    ``audio_problem``. This hook collects it from all workers and processes,
    warns, and writes ``clip_report_{train,val,test}.csv`` to the work dir.
    :class:`AVSRunner` registers it by itself.
    """

    priority = 'LOW'

    def __init__(self) -> None:
        self._found: dict[str, set[tuple[str, str, str, str]]] = {}

    def _after_iter(self, runner, batch_idx: int, data_batch=None,
                    outputs=None, mode: str = 'train') -> None:
        """Read the notes on the clips of a batch."""
        samples = data_batch.get('data_samples') if isinstance(
            data_batch, dict) else None
        for sample in samples or ():
            found = self._found.setdefault(mode, set())
            found.update(('skipped', *clip)
                         for clip in sample.get('skipped', ()))
            if 'audio_problem' in sample:
                found.add(('sound', sample.get('clip_id', '?'),
                           sample.get('audio_path', ''),
                           sample.get('audio_problem')))

    def _after_epoch(self, runner, mode: str = 'train') -> None:
        """Warn and write the report, if there is anything to say."""
        found = self._found.pop(mode, set())
        if is_distributed():
            found = set().union(*all_gather_object(found))
        if not found or not is_main_process():
            return
        rows = sorted(found)
        path = Path(runner.work_dir) / f'clip_report_{mode}.csv'
        with atomic_write(path, mode='w') as file:
            csv.writer(file).writerows(
                [('what', 'clip_id', 'path', 'problem'), *rows])
        skipped = [row for row in rows if row[0] == 'skipped']
        others = len(rows) - len(skipped)
        lines = [f'clip {clip!r}: {file}: {problem}'
                 for _, clip, file, problem in (skipped + [
                     row for row in rows if row[0] != 'skipped'])[:_SHOWN]]
        if len(rows) > _SHOWN:
            lines.append(f'and {len(rows) - _SHOWN} more')
        runner.logger.warning(
            f'{mode}: {len(skipped)} clip(s) could not be read and were left '
            f'out, {others} had no sound of the right length ({path}):\n  '
            + '\n  '.join(lines))
