# Copyright (c) OpenMMLab. All rights reserved.
"""Puts configs, tools, weights and the model index into ``mmavs/.mim``.

Everything else is in setup.cfg. ``mim`` and the zoo functions of
``mmavs.apis`` look for these files inside the installed package. An editable
installation links to the checkout, so that edits show at once; a wheel gets
copies.
"""

import os
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.editable_wheel import editable_wheel

ROOT = Path(__file__).resolve().parent
SHARED = ('configs', 'tools', 'weights', 'model-index.yml')
MIM = Path('mmavs', '.mim')
IGNORED = shutil.ignore_patterns('__pycache__', '*.pyc')


def remove(path: Path) -> None:
    """Delete a file, link or folder; never what a link points to."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.is_dir():
        shutil.rmtree(path)


def copy_into(folder: Path) -> list[str]:
    """Copy the shared files into a folder; return the files written."""
    remove(folder)
    folder.mkdir(parents=True)
    for name in SHARED:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=IGNORED)
        elif source.is_file():
            shutil.copyfile(source, target)
    return [str(path) for path in folder.rglob('*') if path.is_file()]


def link_into(folder: Path) -> None:
    """Link the shared files into a folder; copy where links fail."""
    remove(folder)
    folder.mkdir(parents=True)
    for name in SHARED:
        try:
            os.symlink(os.path.relpath(ROOT / name, folder), folder / name)
        except OSError:  # Windows without the right to make links
            copy_into(folder)
            return


class BuildWithMim(build_py):
    """Copies into the build folder; the checkout stays untouched."""

    def run(self):
        super().run()
        if not self.editable_mode:
            self.mim_files = copy_into(Path(self.build_lib) / MIM)

    def get_outputs(self, include_bytecode=1):
        outputs = super().get_outputs(include_bytecode)
        return outputs + getattr(self, 'mim_files', [])


class EditableWithMim(editable_wheel):
    """``pip install -e .`` links, whatever arguments pip uses today."""

    def run(self):
        link_into(ROOT / MIM)
        super().run()


setup(cmdclass=dict(build_py=BuildWithMim, editable_wheel=EditableWithMim))
