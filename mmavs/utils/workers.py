# Copyright (c) OpenMMLab. All rights reserved.
"""Ending the worker processes of data loaders."""


def stop_workers(*loops) -> None:
    """Stop the persistent workers of the loops' data loaders.

    Left to the garbage collector or to the end of the program they take ten
    seconds a loader: their queues are closed before the message to stop gets
    through.

    Args:
        *loops: Loops of a runner; what is no loop with a data loader (not
            built yet) is passed over. A loader can be used again afterwards.
    """
    for loop in loops:
        loader = getattr(loop, 'dataloader', None)
        iterator = getattr(loader, '_iterator', None)
        if hasattr(iterator, '_shutdown_workers'):
            iterator._shutdown_workers()
            loader._iterator = None
