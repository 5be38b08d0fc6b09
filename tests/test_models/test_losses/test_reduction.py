# Copyright (c) OpenMMLab. All rights reserved.
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmavs.models.losses import labelled_frame_mean, reduction


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-5, 5), st.booleans()), min_size=1))
def test_mean_over_labelled_frames(frames):
    values = torch.tensor([v for v, _ in frames], requires_grad=True)
    valid = torch.tensor([b for _, b in frames])
    loss = labelled_frame_mean(values, valid)
    kept = [v for v, b in frames if b]
    expected = sum(kept) / len(kept) if kept else 0
    assert loss.item() == pytest.approx(expected, abs=1e-4)
    loss.backward()
    share = 1 / len(kept) if kept else 0
    assert values.grad.tolist() == pytest.approx(
        [share if b else 0 for _, b in frames])


def test_frames_without_a_label_cannot_spoil_the_loss():
    values = torch.tensor([1.0, float('nan'), float('inf')])
    assert labelled_frame_mean(
        values, torch.tensor([True, False, False])) == 1


@settings(deadline=None)
@given(st.lists(st.lists(
    st.tuples(st.floats(-5, 5), st.booleans()), min_size=1, max_size=4),
    min_size=2, max_size=4))
def test_processes_average_to_one_process(processes):
    """What DDP makes of it is the mean over the whole batch."""
    counts = [sum(b for _, b in frames) for frames in processes]
    world = len(processes)

    def all_reduce(count):
        count.fill_(sum(counts))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reduction, 'get_world_size', lambda: world)
        patch.setattr(reduction, 'all_reduce', all_reduce)
        losses = [labelled_frame_mean(
            torch.tensor([v for v, _ in frames]),
            torch.tensor([b for _, b in frames])) for frames in processes]
    everything = [v for frames in processes for v, b in frames if b]
    expected = sum(everything) / len(everything) if everything else 0
    assert sum(x.item() for x in losses) / world == pytest.approx(
        expected, abs=1e-4)
