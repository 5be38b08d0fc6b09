# Copyright (c) OpenMMLab. All rights reserved.
"""``python -m mmavs.datasets.synthetic --root data/synthetic``."""

from .cli import main

if __name__ == '__main__':
    main()
