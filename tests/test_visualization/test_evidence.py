# Copyright (c) OpenMMLab. All rights reserved.
import numpy as np

from mmavs.visualization.evidence import (
    draw_heatmap,
    gate_legend,
    gate_pictures,
)


def test_heat_is_bright_where_it_is_high():
    frame = np.full((40, 40, 3), 100, np.uint8)
    heat = np.zeros((4, 4))
    heat[:, 2:] = 1
    out = draw_heatmap(frame, heat).astype(int)
    assert out[:, 30:].min() > 120 and out[:, :10].max() < 60
    assert (draw_heatmap(frame, heat, alpha=0) == 100).all()


def test_bars_follow_the_strength_on_one_scale():
    gates = {'audio 1': [0.5, 1.0], 'visual 1': [0.25, 0.0]}
    weak, strong = gate_pictures(gates, (74, 60))
    blue, orange = (120, 190, 255), (255, 150, 90)

    def height(picture, colour):
        return int((picture == colour).all(axis=-1).any(axis=1).sum())

    assert [height(p, blue) for p in (weak, strong)] == [30, 60]
    assert [height(p, orange) for p in (weak, strong)] == [15, 0]
    # A network with one kind of gate keeps its colour.
    (alone, ) = gate_pictures({'visual 1': [0.5]}, (74, 60))
    assert (height(alone, blue), height(alone, orange)) == (0, 60)


def test_the_legend_names_the_gates_there_are():
    assert [colour for _, colour in gate_legend(
        {'audio 1': [1.], 'audio 2': [1.], 'visual 1': [1.]})] == [
            (120, 190, 255), (255, 150, 90)]
    ((words, colour), ) = gate_legend({'visual 1': [1.]})
    assert words == 'gates from the maps to the sound'
    assert colour == (255, 150, 90) and gate_legend({}) == []
