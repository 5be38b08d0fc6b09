# Copyright (c) OpenMMLab. All rights reserved.
"""Run all benchmarks and print the table; exit 1 if a target is missed."""

import argparse
import importlib
import os
import platform
import sys
import time
import traceback

SCRIPTS = ('metrics', 'front_end', 'modules', 'model', 'data', 'scaling')


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--quick', action='store_true',
                        help='small sizes: a few minutes on 2 idle cores')
    parser.add_argument('--only', nargs='+', choices=SCRIPTS,
                        default=SCRIPTS, help='some of them')
    parser.add_argument('--cpu-time', action='store_true',
                        help='time of the processor in one thread, for '
                        'machines that others use too')
    args = parser.parse_args()
    import common
    import torch
    from common import Row, format_table
    if args.cpu_time:
        torch.set_num_threads(1)
        common.clock = time.process_time
    rows, failed = [], False
    for name in args.only:
        start = time.perf_counter()
        try:
            rows += importlib.import_module(f'bench_{name}').run(args.quick)
        except Exception:
            traceback.print_exc()
            rows.append(Row(name, '-', None, None, note='**failed**'))
            failed = True
        print(f'{name}: {time.perf_counter() - start:.0f} s',
              file=sys.stderr, flush=True)
    print(f'{time.strftime("%Y-%m-%d")}, {os.cpu_count()} CPU cores '
          f'({platform.machine()}), {torch.get_num_threads()} threads, torch '
          f'{torch.__version__}, {"quick" if args.quick else "full"} sizes, '
          f'{"processor" if args.cpu_time else "wall-clock"} time, '
          f'load {os.getloadavg()[0]:.1f}\n')
    print(format_table(rows))
    missed = [row.name for row in rows if row.missed]
    if missed:
        print('\nmissed: ' + '; '.join(missed))
    return int(bool(missed) or failed)


if __name__ == '__main__':
    sys.exit(main())
