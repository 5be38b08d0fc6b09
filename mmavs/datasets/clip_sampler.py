# Copyright (c) OpenMMLab. All rights reserved.
"""Telling the workers which seed and epoch a clip is loaded for."""

from collections.abc import Iterator

from mmengine.dataset import DefaultSampler

from mmavs.registry import DATA_SAMPLERS


class ClipIndex(int):
    """Position of a clip that knows the seed and the epoch.

    Workers live longer than an epoch and never hear of it otherwise. It is
    an ordinary int to everything else; ``-`` and ``%`` keep what it knows,
    so that MMEngine's ``ConcatDataset`` and ``RepeatDataset`` hand it on.

    Args:
        value (int): The position.
        seed (int): Seed of the run. Defaults to 0.
        epoch (int): Number of the epoch. Defaults to 0.
        is_padding (bool): Whether the clip only fills up the last batch of a
            process. Defaults to False.
    """

    seed: int
    epoch: int
    is_padding: bool

    def __new__(cls, value: int, seed: int = 0, epoch: int = 0,
                is_padding: bool = False) -> 'ClipIndex':
        index = super().__new__(cls, value)
        index.seed = seed
        index.epoch = epoch
        index.is_padding = is_padding
        return index

    def __getnewargs__(self) -> tuple[int, int, int, bool]:
        return int(self), self.seed, self.epoch, self.is_padding

    def _with_value(self, value: int) -> 'ClipIndex':
        return ClipIndex(value, self.seed, self.epoch, self.is_padding)

    def __sub__(self, other: int) -> 'ClipIndex':
        return self._with_value(int(self) - other)

    def __mod__(self, other: int) -> 'ClipIndex':
        return self._with_value(int(self) % other)


@DATA_SAMPLERS.register_module()
class ClipSampler(DefaultSampler):
    """MMEngine's default sampler, yielding :class:`ClipIndex`.

    The order is that of ``DefaultSampler``: shuffled by seed + epoch and
    dealt to the processes in turn. Where the number of clips is not a
    multiple of the number of processes, the first clips are used again to
    fill up; these are marked as padding, and in training their labels do not
    count, so that several processes compute what one does.

    Args:
        dataset (Sized): The data set.
        shuffle (bool): Whether to shuffle. Defaults to True.
        seed (int, optional): The same in every process; MMEngine's Runner
            passes its own. Defaults to None: a random one.
        round_up (bool): Whether every process gets the same number of
            clips. Defaults to True.
    """

    def __iter__(self) -> Iterator[ClipIndex]:
        """Iterate over the clips of this process."""
        size = len(self.dataset)
        places = range(self.rank, self.total_size, self.world_size)
        # A list: the epoch is the present one, not that of the first use.
        return iter([
            ClipIndex(value, self.seed, self.epoch, place >= size)
            for place, value in zip(places, super().__iter__())])
