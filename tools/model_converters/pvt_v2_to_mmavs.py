# Copyright (c) OpenMMLab. All rights reserved.
"""Convert PVT-v2's official weights to timm's names.

``TimmBackbone`` reads the official file as well; convert it to have one file
without the classifier, checked against the model it belongs to.
"""

from mmavs.io.converters.program import convert_backbone
from mmavs.io.converters.public import convert_pvt_v2
from mmavs.utils.command_line import run_program

NAMES = [f'pvt_v2_{size}' for size in (
    'b0', 'b1', 'b2', 'b2_li', 'b3', 'b4', 'b5')]


def main() -> None:
    convert_backbone("PVT-v2's official weights to timm's names", NAMES,
                     convert_pvt_v2)


if __name__ == '__main__':
    run_program(main)
