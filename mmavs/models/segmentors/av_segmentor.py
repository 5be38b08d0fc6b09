# Copyright (c) OpenMMLab. All rights reserved.
"""The segmentor: it wires the slots and does nothing else."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseModel
from torch import Tensor, nn

from mmavs.registry import MODELS
from mmavs.structures import AVFeatures, AVSDataSample

AUDIO_KEYS = ('log_mel', 'audio_embedding')


def _build(part, **derived) -> nn.Module | None:
    """Build a slot, filling in the channel counts the config leaves out.

    Args:
        part (dict | nn.Module | None): The slot's config, a built module or
            None.
        **derived: Constructor arguments that follow from the other slots;
            the config's own values win.
    """
    if part is None or isinstance(part, nn.Module):
        return part
    return MODELS.build({**derived, **part})


@MODELS.register_module()
class AVSegmentor(BaseModel):
    """Audio-visual segmentation from interchangeable parts.

    Symbols: B clips, T seconds per clip, N audio tokens per second, K
    classes. Each slot takes a config or a built module; channel counts that
    follow from another slot are derived.

    Args:
        backbone (dict | nn.Module): Visual backbone with ``stem``,
            ``stages`` and ``out_channels``.
        decode_head (dict | nn.Module): Head with ``forward``,
            ``loss_by_feat`` and ``predict_by_feat``.
        audio_encoder (dict | nn.Module, optional): (M, 1, 96, 64) log-mel
            patches to (M, ``out_channels``) embeddings. None if the data set
            delivers ``audio_embedding``. Defaults to None.
        audio_projector (dict | nn.Module, optional): Embeddings to tokens.
            Defaults to None, which hands the embeddings on as tokens.
        early_fusion (dict | nn.Module, optional): Runs between the stages.
            Defaults to None.
        projector (dict | nn.Module, optional): Brings all maps to one width.
            Defaults to None.
        neck (dict | nn.Module, optional): ``AVFeatures`` to ``AVFeatures``.
            Defaults to None.
        auxiliary_heads (dict, optional): Named training-only losses; a value
            of None leaves one out. Defaults to None.
        data_preprocessor (dict | nn.Module, optional): Defaults to
            :class:`AVSDataPreprocessor` with its defaults.
        channels_last (bool): Keep maps and convolutions' weights with their
            channels last in memory, which is faster on recent GPUs. Defaults
            to False.
        train_cfg (dict, optional): Unused; accepted as in MMSegmentation.
        test_cfg (dict, optional): ``with_scores`` (bool) asks for
            ``seg_logits`` in the predictions. Defaults to scores for binary
            heads only, since the F-measure needs them.
        init_cfg (dict, optional): Initialisation config. Defaults to None.
    """

    def __init__(self, *, backbone, decode_head, audio_encoder=None,
                 audio_projector=None, early_fusion=None, projector=None,
                 neck=None, auxiliary_heads: dict | None = None,
                 data_preprocessor=None, channels_last: bool = False,
                 train_cfg: dict | None = None,
                 test_cfg: dict | None = None,
                 init_cfg: dict | None = None) -> None:
        if data_preprocessor is None:
            data_preprocessor = dict(type='AVSDataPreprocessor')
        super().__init__(data_preprocessor=data_preprocessor,
                         init_cfg=init_cfg)
        self.train_cfg = train_cfg
        self.test_cfg = dict(test_cfg or {})

        self.backbone = _build(backbone)
        channels = list(self.backbone.out_channels)
        self.audio_encoder = _build(audio_encoder)
        self.audio_projector = _build(
            audio_projector, **self._width(self.audio_encoder, 'in_channels'))
        tokens = self._width(self.audio_projector or self.audio_encoder,
                             'audio_channels')
        self.early_fusion = _build(
            early_fusion, in_channels=channels, **tokens)
        self.projector = _build(projector, in_channels=channels)
        channels = list(getattr(self.projector, 'out_channels', channels))
        self.neck = _build(neck, in_channels=channels, **tokens)
        channels = list(getattr(self.neck, 'out_channels', channels))
        self.decode_head = _build(
            decode_head, in_channels=channels, **tokens)
        self.auxiliary_heads = nn.ModuleDict({
            name: _build(head, in_channels=channels, **tokens)
            for name, head in (auxiliary_heads or {}).items()
            if head is not None})
        self.channels_last = channels_last
        if channels_last:
            self.to(memory_format=torch.channels_last)

    @staticmethod
    def _width(part: nn.Module | None, name: str) -> dict[str, int]:
        return {} if part is None else {name: part.out_channels}

    def forward(self, inputs: dict[str, Tensor],
                data_samples: Sequence[AVSDataSample] | None = None,
                mode: str = 'tensor'):
        """Run the network.

        Args:
            inputs (dict): ``frames`` (B, T, 3, H, W), ``valid`` (B, T) and
                ``log_mel`` (B, T, N, 1, 96, 64) or ``audio_embedding``
                (B, T, N, E), as :class:`AVSDataPreprocessor` makes them.
            data_samples (Sequence[AVSDataSample], optional): Labels and meta
                data. Defaults to None.
            mode (str): ``tensor``, ``loss`` or ``predict``. Defaults to
                ``tensor``.

        Returns:
            dict | list: The head's outputs, a dict of losses, or the data
            samples with predictions.
        """
        if mode == 'tensor':
            return self.decode_head(self.encode(inputs))
        if mode == 'loss':
            return self.loss(inputs, data_samples)
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        raise ValueError(f'mode must be tensor, loss or predict, got {mode!r}')

    def encode(self, inputs: dict[str, Tensor]) -> AVFeatures:
        """Frames and sound to what the decode head reads."""
        valid = inputs['valid']
        audio, embedding = self.encode_audio(inputs)  # (B, T, N, D)
        x = inputs['frames'].flatten(0, 1)
        if self.channels_last:
            x = x.contiguous(memory_format=torch.channels_last)
        x = self.backbone.stem(x)
        maps = []
        for index, stage in enumerate(self.backbone.stages):
            x = stage(x)  # (B*T, C_i, H_i, W_i)
            if self.early_fusion is not None:
                x, audio = self.early_fusion.fuse(index, x, audio, valid)
            maps.append(x)
        features = AVFeatures(maps=maps, audio=audio, valid=valid,
                              audio_embedding=embedding)
        if self.projector is not None:
            features = self.projector(features)
        if self.neck is not None:
            features = self.neck(features)
        return features

    def encode_audio(self, inputs: dict[str, Tensor]
                     ) -> tuple[Tensor, Tensor]:
        """Log-mel patches to audio tokens.

        Returns:
            tuple[Tensor, Tensor]: Tokens (B, T, N, D), zero in padded
            seconds, and the encoder's raw embeddings (B, T, N, E).
        """
        if 'audio_embedding' in inputs:
            embedding = inputs['audio_embedding']
            if embedding.dim() == 3:  # (B, T, E): one token a second
                embedding = embedding.unsqueeze(2)
        elif 'log_mel' in inputs:
            if self.audio_encoder is None:
                raise ValueError('the model has no audio_encoder, so inputs '
                                 'must hold audio_embedding')
            log_mel = inputs['log_mel']  # (B, T, N, 1, 96, 64)
            embedding = self.audio_encoder(log_mel.flatten(0, 2))
            embedding = embedding.unflatten(0, log_mel.shape[:3])
        else:
            raise ValueError(f'inputs need one of {AUDIO_KEYS}, got '
                             f'{sorted(inputs)}')
        tokens = embedding
        if self.audio_projector is not None:
            tokens = self.audio_projector(embedding)
        mask = inputs['valid'][:, :, None, None].to(tokens.dtype)
        return tokens * mask, embedding

    def loss(self, inputs: dict[str, Tensor],
             data_samples: Sequence[AVSDataSample]) -> dict[str, Tensor]:
        """Losses of the decode head and the auxiliary heads."""
        features = self.encode(inputs)
        outputs = self.decode_head(features)
        losses = self.decode_head.loss_by_feat(
            outputs, features, data_samples)
        for name, head in self.auxiliary_heads.items():
            for key, value in head.loss(
                    features, outputs, data_samples).items():
                losses[f'{name}.{key}'] = value
        return losses

    def predict(self, inputs: dict[str, Tensor],
                data_samples: Sequence[AVSDataSample] | None = None
                ) -> list[AVSDataSample]:
        """Masks at each clip's label size, else at its frames' own size."""
        features = self.encode(inputs)
        outputs = self.decode_head(features)
        if data_samples is None:
            shape = tuple(inputs['frames'].shape[-2:])
            data_samples = [AVSDataSample(metainfo=dict(img_shape=shape))
                            for _ in range(features.batch_size)]
        sizes = [self._target_size(sample) for sample in data_samples]
        scores = {size: self.decode_head.predict_by_feat(
            outputs, features, size) for size in dict.fromkeys(sizes)}
        lengths = inputs['valid'].sum(dim=1).tolist()
        for index, sample in enumerate(data_samples):
            clip = scores[sizes[index]][index][:lengths[index]]
            self._add_prediction(sample, clip)
        return list(data_samples)

    @staticmethod
    def _target_size(sample: AVSDataSample) -> tuple[int, int]:
        for key in ('mask_shape', 'ori_shape', 'img_shape'):
            if key in sample:
                return tuple(sample.get(key)[:2])
        raise ValueError('a data sample needs mask_shape, ori_shape or '
                         'img_shape to say how large its masks are')

    def _add_prediction(self, sample: AVSDataSample, scores: Tensor) -> None:
        """Write scores (T, K, H, W) into a data sample."""
        binary = scores.shape[1] == 1
        classes = scores[:, 0] > 0 if binary else scores.argmax(dim=1)
        sample.pred_sem_seg = classes.to(torch.uint8)
        with_scores = self.test_cfg.get('with_scores')
        if binary if with_scores is None else with_scores:
            sample.seg_logits = scores
