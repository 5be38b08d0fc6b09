# Copyright (c) OpenMMLab. All rights reserved.
"""Write the synthetic data set: the door beside the other converters."""

from mmavs.datasets.synthetic.cli import main

if __name__ == '__main__':
    main()
