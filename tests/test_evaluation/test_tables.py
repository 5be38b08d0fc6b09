# Copyright (c) OpenMMLab. All rights reserved.
from mmavs.evaluation.tables import format_table, report_table


def test_columns_are_aligned():
    text = format_table(('name', 'J'), [('a', 0.5), ('long name', None)])
    assert text.splitlines() == [
        'name            J',
        '---------  ------',
        'a          0.5000',
        'long name       -']


def test_no_rows():
    assert format_table(('a', 'bb'), []).splitlines() == ['a  bb', '-  --']


def test_csv_leaves_missing_cells_empty(tmp_path):
    path = tmp_path / 'table.csv'
    report_table('title', ('a', 'b'), [(1, float('nan')), ('x,y', 1 / 3)],
                 path)
    assert path.read_text() == f'a,b\n1,\n"x,y",{1 / 3}\n'
    report_table('title', ('a', ), [(1, )], False)
    assert list(tmp_path.iterdir()) == [path]
