# Copyright (c) OpenMMLab. All rights reserved.
"""Per-clip and per-class tables, for the log and as CSV."""

import csv
import math
import os
from collections.abc import Sequence

from mmengine.logging import print_log

from mmavs.io.atomic import atomic_write


def format_table(header: Sequence[str], rows: Sequence[Sequence]) -> str:
    """Align rows in columns of plain text.

    Args:
        header (Sequence[str]): Column names.
        rows (Sequence[Sequence]): Cells; floats get four decimals, NaN and
            None are shown as ``-``.

    Returns:
        str: Lines joined by line breaks, numbers to the right.
    """
    cells = [[_shown(cell) for cell in row] for row in rows]
    widths = [max(len(str(name)), *(len(row[i]) for row in cells), 0)
              if cells else len(str(name)) for i, name in enumerate(header)]
    numeric = [bool(rows) and all(isinstance(row[i], int | float)
                                  or row[i] is None for row in rows)
               for i in range(len(header))]

    def line(values: Sequence[str]) -> str:
        return '  '.join(
            value.rjust(width) if right else value.ljust(width)
            for value, width, right in zip(values, widths, numeric)).rstrip()

    return '\n'.join([line([str(name) for name in header]),
                      line(['-' * width for width in widths]),
                      *map(line, cells)])


def report_table(title: str, header: Sequence[str],
                 rows: Sequence[Sequence],
                 destination: bool | str | os.PathLike | None) -> None:
    """Log a table and, if a path is given, write it as CSV.

    Args:
        title (str): Line above the table in the log.
        header (Sequence[str]): Column names.
        rows (Sequence[Sequence]): Cells, unrounded in the CSV.
        destination (bool | str | PathLike | None): Nothing happens for
            False and None, True only logs, a path also writes the CSV file
            (atomically).
    """
    if not destination:
        return
    print_log(f'{title}\n{format_table(header, rows)}', logger='current')
    if destination is True:
        return
    with atomic_write(destination, mode='w') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(header)
        writer.writerows(
            ['' if _missing(cell) else cell for cell in row] for row in rows)
    print_log(f'{title} written to {os.fspath(destination)}',
              logger='current')


def _missing(cell) -> bool:
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def _shown(cell) -> str:
    if _missing(cell):
        return '-'
    return f'{cell:.4f}' if isinstance(cell, float) else str(cell)
