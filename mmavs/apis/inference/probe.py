# Copyright (c) OpenMMLab. All rights reserved.
"""What a network looks at while it predicts."""

from contextlib import ExitStack

import numpy as np
from torch import Tensor, nn


class Probe:
    """Collect CLEVER's heat maps and BCSM's gates during a forward pass.

    A context manager; it changes nothing in the model.

    Args:
        model (nn.Module): The segmentor, with ``decode_head``.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._heat: list[Tensor] = []
        self._gates: dict[str, Tensor] = {}

    def __enter__(self) -> 'Probe':
        self._stack = ExitStack()
        handle = self._model.decode_head.register_forward_hook(
            lambda _, __, outputs: self._heat.extend(
                outputs.get('heatmaps') or ()))
        self._stack.callback(handle.remove)
        for module in self._model.modules():
            # BCSM, or a neck like it; by name, as importing the models takes
            # seconds that listing them should not.
            self._watch('audio', getattr(module, 'audio_gates', None))
            self._watch('visual', getattr(module, 'visual_gates', None))
        return self

    def __exit__(self, *error) -> None:
        self._stack.close()

    def _watch(self, kind: str, gates: nn.ModuleList | None) -> None:
        for number, gate in enumerate(gates or (), 1):
            name = f'{kind} {number}'

            def remember(_, __, output: Tensor, name: str = name) -> None:
                self._gates[name] = output

            self._stack.callback(
                gate.register_forward_hook(remember).remove)

    def take(self, clip: int, num_clips: int, length: int) -> dict:
        """What was seen of one clip of the batch.

        Args:
            clip (int): Its place in the batch.
            num_clips (int): Clips in the batch, B.
            length (int): Its number of frames T.

        Returns:
            dict: ``heatmaps``, a list over layers of (T, h, w), the target's
            share of each place, and ``gates``, name to (T,), the mean
            strength of a gate over its channels.
        """
        heat = [m.unflatten(0, (num_clips, -1))[clip, :length, -1]
                for m in self._heat]
        gates = {}
        for name, gate in self._gates.items():  # (B, T * N, C)
            seconds = self._seconds(num_clips) or gate.shape[1]
            strength = gate[clip].abs().mean(dim=-1)
            strength = strength.unflatten(0, (seconds, -1)).mean(dim=-1)
            gates[name] = strength[:length].float().cpu().numpy()
        return dict(heatmaps=[m.float().cpu().numpy() for m in heat],
                    gates=gates)

    def _seconds(self, num_clips: int) -> int:
        """T of the batch, padding included, as far as it is known."""
        visual = [g.shape[1] for n, g in self._gates.items()
                  if n.startswith('visual')]
        if visual:
            return visual[0]
        return self._heat[0].shape[0] // num_clips if self._heat else 0


def in_order(seen: list[dict], order: np.ndarray
             ) -> tuple[list[np.ndarray], dict[str, np.ndarray]]:
    """Join the passes of a window, in the order of time.

    Args:
        seen (list[dict]): From :meth:`Probe.take`, one per pass.
        order (np.ndarray): For each mask of the window, its place in the
            passes one after the other.

    Returns:
        tuple: Heat maps, a list over layers of (M, h, w), and gates, name
        to (M,).
    """
    layers = zip(*(part['heatmaps'] for part in seen))
    heat = [np.concatenate(layer)[order] for layer in layers]
    gates = {name: np.concatenate([part['gates'][name]
                                   for part in seen])[order]
             for name in seen[0]['gates']}
    return heat, gates
