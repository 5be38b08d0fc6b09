# Copyright (c) OpenMMLab. All rights reserved.
import runpy
import sys
import types

import pytest


@pytest.fixture(autouse=True)
def _no_garbage_collection(monkeypatch):
    """Each data set collects garbage when made; over a session that adds up
    to most of the tests' time.
    """
    monkeypatch.setattr('mmengine.dataset.base_dataset.gc',
                        types.SimpleNamespace(collect=lambda: 0))


@pytest.fixture
def run_tool(monkeypatch, capsys):
    """Run a program of ``tools/``; return its exit code and what it says."""

    def run(program, *args):
        monkeypatch.setattr(sys, 'argv', [str(program), *args])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            runpy.run_path(str(program), run_name='__main__')
        out, err = capsys.readouterr()
        return stop.value.code, out + err

    return run
