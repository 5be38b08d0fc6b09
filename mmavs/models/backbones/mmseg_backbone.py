# Copyright (c) OpenMMLab. All rights reserved.
"""MMSegmentation's ResNets, run stage by stage."""

from torch import Tensor, nn

from mmavs.registry import MODELS

from .staged import NUM_STAGES, STRIDES, StagedBackbone


@MODELS.register_module()
class MMSegBackbone(StagedBackbone):
    """A ResNet of MMSegmentation as a stem and four stages.

    Any backbone with MMSegmentation's ResNet interface will do: ``ResNet``,
    ``ResNetV1c``, ``ResNetV1d``, ``ResNeXt``, ``ResNeSt``. MMSegmentation is
    imported when the first one is built. Weights are named ``model.`` plus
    MMSegmentation's own names.

    Args:
        cfg (dict | nn.Module): The backbone's config with its scope, e.g.
            ``dict(type='mmseg.ResNet', depth=50)``, or the built module.
            Freezing, ``norm_eval`` and ``with_cp`` are given here instead.
        frozen_stages (int): -1 none, 0 the stem, i the stem and the first i
            stages. Defaults to -1.
        norm_eval (bool): Keep BatchNorm in eval mode. Defaults to False.
        with_cp (bool): Gradient checkpointing, stage by stage. Defaults to
            False.
        init_cfg (dict | list[dict], optional): ``dict(type='Pretrained',
            checkpoint=...)`` with MMSegmentation's or torchvision's names.
            Defaults to None.

    Raises:
        ImportError: If MMSegmentation cannot be imported; says the fix.
        ValueError: If it is no ResNet with maps at strides 4, 8, 16, 32.
    """

    def __init__(self, cfg: dict | nn.Module, *, frozen_stages: int = -1,
                 norm_eval: bool = False, with_cp: bool = False,
                 init_cfg: dict | list | None = None) -> None:
        super().__init__(frozen_stages=frozen_stages, norm_eval=norm_eval,
                         with_cp=with_cp, init_cfg=init_cfg)
        self.model = cfg if isinstance(cfg, nn.Module) else _build(cfg)
        name = type(self.model).__name__
        layers = getattr(self.model, 'res_layers', ())
        if len(layers) != NUM_STAGES:
            raise ValueError(
                f'{name} is no ResNet with four stages; MMSegBackbone runs '
                'ResNet, ResNetV1c/d, ResNeXt and ResNeSt, TimmBackbone '
                'everything else')
        strides = self._strides()
        if strides != STRIDES:
            raise ValueError(
                f'{name} has maps at strides {strides}, wanted {STRIDES}; '
                'set strides=(1, 2, 2, 2) and dilations=(1, 1, 1, 1)')
        self.out_channels = tuple(
            self._width(getattr(self.model, layer)) for layer in layers)
        self.set_frozen_stages(frozen_stages)

    def _strides(self) -> tuple[int, ...]:
        stride, strides = 4, []
        for step in self.model.strides:
            stride *= step
            strides.append(stride)
        return tuple(strides)

    @staticmethod
    def _width(layer: nn.Module) -> int:
        """Channels of the last block: those of its last convolution."""
        convs = [module for module in layer[-1].modules()
                 if isinstance(module, nn.Conv2d)]
        return convs[-1].out_channels

    def parts(self, index: int) -> list[nn.Module]:
        """The modules of the stem (0) or of stage ``index``."""
        if index > 0:
            return [getattr(self.model, self.model.res_layers[index - 1])]
        if self.model.deep_stem:
            return [self.model.stem, self.model.maxpool]
        return [self.model.conv1, self.model.norm1, self.model.relu,
                self.model.maxpool]

    def run(self, index: int, x: Tensor) -> Tensor:
        """Run the stem (0) or stage ``index``: NCHW to NCHW."""
        for part in self.parts(index):
            x = part(x)
        return x

    def weights_target(self) -> nn.Module:
        """MMSegmentation's names live below ``model``."""
        return self.model

    def convert_weights(self, weights: dict) -> dict:
        """Take the ``backbone.`` part of a whole model's weights."""
        for prefix in ('backbone.', 'model.'):
            below = {name[len(prefix):]: value
                     for name, value in weights.items()
                     if name.startswith(prefix)}
            weights = below or weights
        return weights

    def leftovers(self) -> list[str]:
        """The classifier."""
        return [r'^(fc|head)\.', r'num_batches_tracked$']


def _build(cfg: dict) -> nn.Module:
    cfg = dict(cfg)
    for key in ('frozen_stages', 'norm_eval', 'with_cp', 'init_cfg'):
        if key in cfg:
            raise ValueError(f'give {key} to MMSegBackbone, not inside cfg')
    if '.' not in str(cfg.get('type')) and isinstance(cfg.get('type'), str):
        cfg['type'] = f'mmseg.{cfg["type"]}'
    cfg.setdefault('norm_cfg', dict(type='BN', requires_grad=True))
    try:
        return MODELS.build(cfg)
    except ImportError as error:
        raise ImportError(
            f'{cfg["type"]} needs MMSegmentation, whose import failed '
            f'({error}); install it, or use TimmBackbone, which needs '
            'neither it nor compiled MMCV') from error
