# Copyright (c) OpenMMLab. All rights reserved.
"""A base for modules that start from pretrained weights."""

from mmengine.logging import print_log
from mmengine.model import BaseModule, PretrainedInit

from mmavs.io.weights import LoadReport, load_weights, shorten

_KEYS = {'type', 'checkpoint', 'prefix', 'map_location', 'strict'}


class PretrainedModule(BaseModule):
    """A module whose ``Pretrained`` initialiser is strict and safe.

    MMEngine's own initialiser loads what fits and logs the rest; a wrong file
    then trains from scratch unnoticed. Here a file must fit, up to the names
    that :meth:`leftovers` allows, or the program stops with one line.

    Args:
        init_cfg (dict | list[dict], optional): As in MMEngine. An entry
            ``dict(type='Pretrained', checkpoint=PATH_OR_URL, prefix=None,
            strict=True)`` is taken by this class. Defaults to None.

    Raises:
        ValueError: If there are two ``Pretrained`` entries, or one has no
            checkpoint or an unknown key.
    """

    def __init__(self, init_cfg: dict | list | None = None) -> None:
        cfgs = [init_cfg] if isinstance(init_cfg, dict) else init_cfg or []
        own = [cfg for cfg in cfgs if self._is_pretrained(cfg)]
        rest = [dict(cfg) for cfg in cfgs if not self._is_pretrained(cfg)]
        super().__init__(init_cfg=rest or None)
        name = type(self).__name__
        if len(own) > 1:
            raise ValueError(f'{name}: init_cfg has {len(own)} Pretrained '
                             'entries; keep one')
        self.pretrained_cfg = dict(own[0]) if own else None
        if own and (not own[0].get('checkpoint') or set(own[0]) - _KEYS):
            raise ValueError(
                f'{name}: a Pretrained init_cfg needs checkpoint and may '
                f'have {", ".join(sorted(_KEYS))}; got {dict(own[0])}')

    @staticmethod
    def _is_pretrained(cfg: dict) -> bool:
        return cfg.get('type') in ('Pretrained', PretrainedInit)

    def init_weights(self) -> None:
        """Initialise, then load the pretrained weights, once."""
        first = not self.is_init
        super().init_weights()
        if first:
            self.load_pretrained()

    def load_pretrained(self) -> None:
        """Load ``init_cfg``'s checkpoint, if there is one.

        Raises:
            CheckpointError: If it cannot be read or does not fit; one line.
        """
        if self.pretrained_cfg is None:
            return
        path = self.pretrained_cfg['checkpoint']
        self.log_report(path, load_weights(
            self.weights_target(), path,
            prefix=self.pretrained_cfg.get('prefix'),
            strict=self.pretrained_cfg.get('strict', True),
            ignore=self.leftovers(), convert=self.convert_weights,
            hint=self.without_weights()))

    def log_report(self, path, report: LoadReport) -> None:
        """Say once what was loaded and what was left out."""
        text = f'{type(self).__name__}: {len(report.loaded)} tensors from ' \
               f'{path}'
        left = report.ignored + report.unexpected
        if left:
            text += f'; not needed here: {shorten(left)}'
        if report.missing:
            text += f'; not in the file: {shorten(report.missing)}'
        print_log(text, logger='current')

    def weights_target(self) -> 'BaseModule':
        """The module whose names the checkpoint has."""
        return self

    def convert_weights(self, weights: dict) -> dict:
        """Rename a public checkpoint's weights to this module's names."""
        return weights

    def leftovers(self) -> list[str]:
        """Regular expressions of names in the file that are not needed."""
        return []

    def without_weights(self) -> str:
        """Which switch goes on without the file; ends the error message."""
        return 'to go on without it, set init_cfg=None'
