# Copyright (c) OpenMMLab. All rights reserved.
"""Counting parameters and FLOPs: against hand counts and the paper."""

import pytest
import torch
from torch import nn

from mmavs.utils.complexity import PartCount, count_parts


class TwoParts(nn.Module):
    """A slot that is called, and one that is run through its parts."""

    def __init__(self):
        super().__init__()
        self.backbone = nn.ModuleList([nn.Linear(4, 8), nn.Linear(8, 2)])
        self.head = nn.Linear(2, 3, bias=False)
        self.head.spare = nn.Linear(5, 7)
        self.silent = nn.ReLU()

    def forward(self, inputs, mode):
        assert mode == 'tensor'
        x = inputs['x']
        for layer in self.backbone:
            x = layer(x)
        return dict(logits=self.head(x), lists=[x, x.detach(), 'text'])


@pytest.mark.parametrize('device', ['cpu', 'meta'])
def test_counts_by_hand(device):
    with torch.device(device):
        model = TwoParts()
        parts = count_parts(model, dict(x=torch.zeros(10, 4)))
    assert parts == [
        PartCount('backbone', 4 * 8 + 8 + 8 * 2 + 2, 0,
                  2 * 10 * (4 * 8 + 8 * 2)),
        PartCount('head', 2 * 3, 5 * 7 + 7, 2 * 10 * 2 * 3)]


def test_program_gives_the_numbers_of_the_paper(run_tool, repo_dir):
    rows, text = {}, ''
    for name in ('selm_r50_s4', 'selm_pvt_s4'):
        process = run_tool(
            'analysis_tools/get_flops.py',
            repo_dir / 'configs' / 'selm' / f'{name}.py',
            '--shape', 64, '--seconds', 1)
        assert process.returncode == 0, process.stderr
        text += process.stdout
        for line in process.stdout.splitlines():
            cells = line.split()
            if len(cells) == 4 and cells[1].replace('.', '').isdigit():
                rows[name, cells[0]] = [float(cell) for cell in cells[1:]]
    assert rows['selm_pvt_s4', 'early_fusion'][0] == pytest.approx(
        4.81, abs=0.005)
    assert rows['selm_r50_s4', 'neck'][0] == pytest.approx(11.31, abs=0.005)
    assert rows['selm_r50_s4', 'decode_head'][0] == pytest.approx(
        10.84, abs=0.005)
    assert 'hold 11.633 M, of which 0.790 M never run' in text
    assert 'hold 45.571 M, of which 22.063 M never run' in text
    assert all(unused == 0 for _, unused, _ in rows.values())
    live, _, flops = rows['selm_r50_s4', 'total']
    assert live == pytest.approx(164.272, abs=0.001) and flops > 10


def test_program_says_what_is_wrong(run_tool):
    process = run_tool('analysis_tools/get_flops.py', 'no/such.py')
    assert process.returncode == 1
    assert 'config no/such.py does not exist' in process.stderr
