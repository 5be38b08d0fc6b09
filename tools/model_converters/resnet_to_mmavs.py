# Copyright (c) OpenMMLab. All rights reserved.
"""Convert ResNet weights of torchvision or AVSBench to timm's names."""

from mmavs.io.converters.program import convert_backbone
from mmavs.io.converters.public import convert_resnet
from mmavs.utils.command_line import run_program

NAMES = ['resnet18', 'resnet34', 'resnet50', 'resnet101', 'resnet152']


def main() -> None:
    convert_backbone("ResNet weights of torchvision or AVSBench to timm's "
                     'names', NAMES, convert_resnet)


if __name__ == '__main__':
    run_program(main)
