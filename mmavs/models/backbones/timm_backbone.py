# Copyright (c) OpenMMLab. All rights reserved.
"""Any timm model with a pyramid of features, run stage by stage."""

import re
from collections.abc import Sequence

import torch
from mmengine.logging import print_log
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmavs.io.checkpoint import CheckpointNotFoundError
from mmavs.io.converters.pvt_v2 import pvt_v2_to_timm
from mmavs.io.weights import LoadReport, strip_prefix
from mmavs.registry import MODELS

from .staged import StagedBackbone
from .timm_replay import check_name, make_replay, model_arguments

# Buffers of older checkpoints that timm now computes.
_COMPUTED = (r'(^|\.)(relative_position_index|relative_coords_table|'
             r'attn_mask|num_batches_tracked)$')


@MODELS.register_module()
class TimmBackbone(StagedBackbone):
    """A timm model as a stem and four stages.

    Every timm model with maps at strides 4, 8, 16 and 32 whose modules run
    one after the other will do (docs/en/backbones.md lists them). What only
    the classifier needs is not created. Weights are named ``model.`` plus
    timm's own names, e.g. ``model.stages.0.blocks.0.norm1.weight`` for
    PVT-v2 and ``model.layer1.0.conv1.weight`` for ResNet.

    Args:
        model_name (str): timm's name, e.g. ``pvt_v2_b5``.
        pretrained (bool): Let timm download its weights when the model is
            initialised for training. Defaults to False.
        frozen_stages (int): -1 none, 0 the stem, i the stem and the first i
            stages. Defaults to -1.
        norm_eval (bool): Keep BatchNorm in eval mode. Defaults to False.
        with_cp (bool): Gradient checkpointing: block by block in timm's
            models that can and have no BatchNorm (PVT-v2, ConvNeXt, Swin),
            else stage by stage. Defaults to False.
        out_indices (Sequence[int], optional): Which of timm's features are
            the four maps. Defaults to None, the last one at each stride.
        drop_path_rate (float, optional): Stochastic depth. Defaults to None,
            the model's own.
        timm_args (dict, optional): Further arguments of the timm model, e.g.
            ``dict(pad_type='same')`` or ``dict(img_size=448)``. Defaults to
            None.
        init_cfg (dict | list[dict], optional): ``dict(type='Pretrained',
            checkpoint=...)`` loads a file of timm, torchvision (ResNet),
            PVT-v2's authors or a mmavs model. Defaults to None.

    Raises:
        ValueError: If timm has no such model, or it cannot be run in four
            stages; the message says why.
    """

    def __init__(self, model_name: str, *, pretrained: bool = False,
                 frozen_stages: int = -1, norm_eval: bool = False,
                 with_cp: bool = False,
                 out_indices: Sequence[int] | None = None,
                 drop_path_rate: float | None = None,
                 timm_args: dict | None = None,
                 init_cfg: dict | list | None = None) -> None:
        super().__init__(frozen_stages=frozen_stages, norm_eval=norm_eval,
                         with_cp=with_cp, init_cfg=init_cfg)
        if pretrained and self.pretrained_cfg:
            raise ValueError('TimmBackbone: give pretrained=True or a '
                             'Pretrained init_cfg, not both')
        check_name(model_name)
        self.model_name = model_name
        self.pretrained = pretrained
        self._args = model_arguments(model_name, timm_args, drop_path_rate)
        replay = make_replay(model_name, self._args, out_indices)
        self.out_channels = replay.out_channels
        self.input_size = replay.input_size
        self.native_size = replay.native_size
        self._pieces = replay.pieces
        self._nhwc = replay.nhwc
        self._concat = replay.concat
        self._widths: dict[int, list[int]] = {}
        self._unused = replay.unused
        self.model = nn.Module()
        for name, module in replay.modules.items():
            _add(self.model, name, module)
        self.set_frozen_stages(frozen_stages)

    def parts(self, index: int) -> list[nn.Module]:
        """The modules of the stem (0) or of stage ``index``."""
        return [self.model.get_submodule(name)
                for name in self._pieces[index]]

    def _run(self, index: int, x):
        """Leave checkpointing to timm where it knows a stage's blocks."""
        own = [part for part in self.parts(index)
               if hasattr(part, 'grad_checkpointing') and not any(
                   isinstance(m, _BatchNorm) for m in part.modules())]
        if not own:
            return super()._run(index, x)
        for part in own:
            part.grad_checkpointing = self.wants_checkpoint(index)
        return self.run(index, x)

    def run(self, index: int, x):
        """Run the stem (0) or stage ``index``; stages map NCHW to NCHW."""
        if index == 0:
            self._check_size(x)
        elif index > 1:
            x = self._to_timm(index, x)
        try:
            for part in self.parts(index):
                x = part(x)
        except AssertionError as error:  # how timm refuses a size
            raise ValueError(
                f'{self.model_name!r} does not take frames of this size '
                f'(its own is {self.native_size}; stage {index}: '
                f'{error or "no reason given"}); resize the frames to it or '
                'to a multiple of it') from error
        return x if index == 0 else self._from_timm(index, x)

    def _from_timm(self, index: int, x) -> Tensor:
        """What a stage of timm returns, as one map (M, C, H, W)."""
        if isinstance(x, (tuple, list)):
            if not self._concat:
                raise ValueError(
                    f'stage {index} of {self.model_name!r} hands on several '
                    'maps; pick a model listed in docs/en/backbones.md')
            # DPN's residual and dense paths: one map, cut again afterwards.
            self._widths[index] = [part.shape[1] for part in x]
            x = torch.cat(tuple(x), dim=1)
        return x.permute(0, 3, 1, 2) if self._nhwc else x

    def _to_timm(self, index: int, x: Tensor):
        """The map (M, C, H, W) before a stage, as timm's stage reads it."""
        if self._nhwc:
            return x.permute(0, 2, 3, 1)
        if self._concat:
            return tuple(x.split(self._widths[index - 1], dim=1))
        return x

    def _check_size(self, frames: Tensor) -> None:
        size = tuple(frames.shape[-2:])
        if self.input_size and size != self.input_size:
            raise ValueError(
                f'{self.model_name!r} is built for frames of '
                f'{self.input_size}, got {size}; set model.backbone.timm_args'
                f'=dict(img_size={size}) or resize the frames')

    def init_weights(self) -> None:
        """Initialise; with ``pretrained`` timm's weights are fetched here.

        Raises:
            CheckpointNotFoundError: If timm cannot get them; one line.
        """
        first = not self.is_init
        super().init_weights()
        if first and self.pretrained:
            self._download()

    def _download(self) -> None:
        import timm
        print_log(f'timm gets the weights of {self.model_name}',
                  logger='current')
        try:
            source = timm.create_model(
                self.model_name, pretrained=True, **self._args)
        except Exception as error:
            reason = str(error).strip().splitlines() or [
                type(error).__name__]
            raise CheckpointNotFoundError(
                f'timm cannot get the weights of {self.model_name!r} '
                f'({reason[0]}); give a local file by init_cfg, or add '
                '--cfg-options model.backbone.pretrained=False') from None
        weights = source.state_dict()
        own = self.model.state_dict()
        self.model.load_state_dict({name: weights[name] for name in own})
        self.log_report('timm', LoadReport(loaded=list(own)))

    def weights_target(self) -> nn.Module:
        """The timm modules, below ``model``."""
        return self.model

    def convert_weights(self, weights: dict) -> dict:
        """Take timm's, torchvision's, PVT-v2's or mmavs' names to timm's."""
        for prefix in ('backbone.', 'model.', 'encoder.'):
            weights = strip_prefix(_common(weights, prefix), prefix)
        if 'patch_embed1.proj.weight' in weights:
            weights = pvt_v2_to_timm(weights)
        flat = {name.replace('.', '_', 1): name
                for piece in self._pieces for name in piece if '.' in name}
        own = set(self.model.state_dict())
        renamed = {}
        for name, value in weights.items():
            head, _, tail = name.partition('.')
            if name not in own and head in flat:  # saved by features_only
                name = f'{flat[head]}.{tail}'
            renamed[name] = value
        return renamed

    def leftovers(self) -> list[str]:
        """What only timm's classifier has, and what is computed."""
        unused = [f'^{re.escape(name)}$' for name in sorted(self._unused)]
        return [*unused, _COMPUTED]


def _common(weights: dict, prefix: str) -> dict:
    """The weights under a prefix if any, since a whole model may be saved."""
    below = {name: value for name, value in weights.items()
             if name.startswith(prefix)}
    return below or weights


def _add(root: nn.Module, name: str, module: nn.Module) -> None:
    """Register a module under a dotted name."""
    *folders, leaf = name.split('.')
    for folder in folders:
        if not hasattr(root, folder):
            root.add_module(folder, nn.Module())
        root = getattr(root, folder)
    root.add_module(leaf, module)
