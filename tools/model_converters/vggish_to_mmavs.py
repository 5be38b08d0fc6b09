# Copyright (c) OpenMMLab. All rights reserved.
"""Check the public VGGish file and add its PCA.

``VGGish`` reads ``vggish-10086976.pth`` as it is; this is needed for
``postprocess=True`` only.
"""

import argparse

from mmavs.io.checkpoint import load_checkpoint_file
from mmavs.io.converters.program import save_weights
from mmavs.io.converters.public import convert_vggish
from mmavs.io.weights import find_state_dict
from mmavs.utils.command_line import run_program


def main() -> None:
    parser = argparse.ArgumentParser(
        description='Check the public VGGish file and add its PCA')
    parser.add_argument('source', help='vggish-10086976.pth, or its address')
    parser.add_argument('destination', help='file to write')
    parser.add_argument('--pca', help='vggish_pca_params-970ea276.pth')
    args = parser.parse_args()
    weights = find_state_dict(load_checkpoint_file(args.source), args.source)
    pca = load_checkpoint_file(args.pca) if args.pca else None
    converted = convert_vggish(weights, pca)
    save_weights(converted, args.destination)
    extra = ', for VGGish(postprocess=True)' if pca else ''
    print(f'{args.destination}: {len(converted)} tensors{extra}')


if __name__ == '__main__':
    run_program(main)
