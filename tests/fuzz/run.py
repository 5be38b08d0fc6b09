# Copyright (c) OpenMMLab. All rights reserved.
"""Feed damaged files to a reader for as long as one likes.

    python -m tests.fuzz.run wav --seconds 300

With atheris installed the search is guided by the coverage of the code; else,
or with ``--blind``, the changes are random. The first file that breaks a rule
is kept in ``--out``.
"""

import argparse
import hashlib
import random
import sys
import tempfile
import time
import traceback
from pathlib import Path


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Fuzz a reader of files')
    parser.add_argument('target', help='wav, pickle, checkpoint, csv, '
                        'avss_csv, labels, png, jpg or mp4')
    parser.add_argument('--seconds', type=int, default=60)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--memory', type=int, default=4096,
                        help='MB the process may take (guided search only)')
    parser.add_argument('--out', default='fuzz_findings',
                        help='folder for files that break a rule')
    parser.add_argument('--blind', action='store_true',
                        help='random changes even if atheris is there')
    return parser.parse_args()


def guided(target, args: argparse.Namespace, atheris) -> None:
    """Search with libFuzzer; it ends the process."""
    corpus = Path(tempfile.mkdtemp())
    for number, content in enumerate(target.seeds()):
        (corpus / str(number)).write_bytes(content)
    Path(args.out).mkdir(parents=True, exist_ok=True)
    atheris.Setup([
        'fuzz', str(corpus), f'-max_total_time={args.seconds}',
        f'-seed={args.seed}', '-timeout=60', '-print_final_stats=1',
        f'-rss_limit_mb={args.memory}', f'-max_len={1 << 14}',
        f'-artifact_prefix={args.out}/{args.target}-'], target)
    atheris.Fuzz()


def change(content: bytes, rng: random.Random) -> bytes:
    """Cut a file short, or change some of its bytes."""
    damaged = bytearray(content)
    if rng.random() < 0.2:
        return bytes(damaged[:rng.randrange(len(damaged))])
    for _ in range(rng.choice([1, 1, 2, 4, 16])):
        at = rng.randrange(min(len(damaged), rng.choice([64, 1000, 10**6])))
        damaged[at] = rng.choice([
            damaged[at] ^ 1 << rng.randrange(8), 0, 127, 128, 255])
    return bytes(damaged)


def blind(target, args: argparse.Namespace) -> int:
    """Search with random changes."""
    rng = random.Random(args.seed)
    seeds = target.seeds()
    counts = {'read': 0, 'refused': 0}
    slowest, end = 0., time.time() + args.seconds
    while time.time() < end:
        content = change(rng.choice(seeds), rng)
        start = time.time()
        try:
            refused = target(content) is not None
        except Exception:
            name = hashlib.sha256(content).hexdigest()[:16]
            path = Path(args.out) / f'{args.target}-{name}'
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            traceback.print_exc()
            print(f'{path} breaks a rule')
            return 1
        counts['refused' if refused else 'read'] += 1
        slowest = max(slowest, time.time() - start)
    print(f'{args.target}: {counts["read"]} files read, '
          f'{counts["refused"]} refused, the slowest took {slowest:.2f} s')
    return 0


def main() -> int:
    args = parse_args()
    atheris = None
    if not args.blind:
        try:
            import atheris
        except ImportError:
            print('without atheris the changes are random: pip install '
                  'atheris')
    if atheris is None:
        from tests.fuzz.targets import TARGETS
        return blind(TARGETS[args.target], args)
    with atheris.instrument_imports(include=[
            'mmavs.audio', 'mmavs.io', 'mmavs.video', 'mmavs.datasets',
            'pickletools', 'csv', 'PIL']):
        from tests.fuzz.targets import TARGETS
    guided(TARGETS[args.target], args, atheris)
    return 0


if __name__ == '__main__':
    sys.exit(main())
