# Copyright (c) OpenMMLab. All rights reserved.
import os

import pytest

from mmavs.io.atomic import atomic_write


def test_writes_bytes_and_text_and_makes_folders(tmp_path):
    with atomic_write(tmp_path / 'a' / 'b.bin') as f:
        f.write(b'\x00\x01')
    assert (tmp_path / 'a' / 'b.bin').read_bytes() == b'\x00\x01'
    with atomic_write(tmp_path / 'c.txt', mode='w') as f:
        f.write('größe')
    assert (tmp_path / 'c.txt').read_text(encoding='utf-8') == 'größe'


def test_an_error_keeps_the_old_file_and_leaves_nothing(tmp_path):
    path = tmp_path / 'a.txt'
    path.write_text('old')
    with pytest.raises(KeyboardInterrupt):
        with atomic_write(path, mode='w') as f:
            f.write('new')
            raise KeyboardInterrupt
    assert path.read_text() == 'old'
    assert os.listdir(tmp_path) == ['a.txt']


def test_the_old_file_is_seen_until_the_end(tmp_path):
    path = tmp_path / 'a.txt'
    path.write_text('old')
    with atomic_write(path, mode='w') as f:
        f.write('new')
        f.flush()
        assert path.read_text() == 'old'
        assert f.name.endswith('.txt')
    assert path.read_text() == 'new'


def test_a_link_is_followed_and_the_umask_obeyed(tmp_path):
    target = tmp_path / 'target'
    target.write_bytes(b'')
    link = tmp_path / 'link'
    link.symlink_to(target)
    old = os.umask(0o027)
    try:
        with atomic_write(link) as f:
            f.write(b'x')
    finally:
        os.umask(old)
    assert link.is_symlink() and target.read_bytes() == b'x'
    assert target.stat().st_mode & 0o777 == 0o640


def test_refuses_other_modes(tmp_path):
    with pytest.raises(ValueError, match='mode'):
        with atomic_write(tmp_path / 'a', mode='a'):
            raise AssertionError('the block must not run')
