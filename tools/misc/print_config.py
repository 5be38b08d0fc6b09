# Copyright (c) OpenMMLab. All rights reserved.
"""Print a config with its bases and options merged."""

import argparse

from mmengine.config import DictAction

from mmavs.utils.command_line import run_program
from mmavs.utils.config import load_config, merge_options


def main() -> None:
    parser = argparse.ArgumentParser(description='Print the whole config')
    parser.add_argument('config', help='config file')
    parser.add_argument('--save-path', help='also write it to this file')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction,
                        metavar='KEY=VALUE', help='change config values')
    args = parser.parse_args()
    cfg = load_config(args.config)
    merge_options(cfg, args.cfg_options)
    print(cfg.pretty_text)
    if args.save_path:
        cfg.dump(args.save_path)


if __name__ == '__main__':
    run_program(main)
