# Copyright (c) OpenMMLab. All rights reserved.
"""Reading a csv, or saying which one is broken."""

import csv
import os


def read_table(path: str | os.PathLike
               ) -> tuple[list[str], list[dict[str, str]]]:
    """Read a csv with a header.

    Args:
        path (str | PathLike): UTF-8, with or without a byte order mark.

    Returns:
        tuple: Names of the columns, and a dict for each row; a row that is
        too short has None where values are missing.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no csv in UTF-8, or a row has more values than
            there are columns.
    """
    try:
        with open(path, newline='', encoding='utf-8-sig') as file:
            reader = csv.DictReader(file)
            rows, columns = list(reader), list(reader.fieldnames or ())
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f'{path}: is not a csv in UTF-8 ({error}); save it '
                         'again') from error
    for number, row in enumerate(rows, 2):
        if any(row.pop(None, ())):  # a comma at the end does no harm
            raise ValueError(f'{path}, row {number}: has more values than '
                             f'there are columns ({len(columns)})')
    return columns, rows
