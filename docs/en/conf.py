# Copyright (c) OpenMMLab. All rights reserved.
"""Sphinx: ``sphinx-build -W docs/en docs/en/_build`` (pip: ``.[docs]``)."""

import runpy
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))

project = 'MMAVS'
author = 'MMAVS Contributors'
copyright = '2026, OpenMMLab'
release = runpy.run_path(str(ROOT / 'mmavs' / 'version.py'))['__version__']
extensions = ['myst_parser', 'sphinx.ext.autodoc', 'sphinx.ext.napoleon']
source_suffix = {'.md': 'markdown', '.rst': 'restructuredtext'}
exclude_patterns = ['_build']
html_theme = 'furo'
html_title = f'MMAVS {release}'
html_static_path = ['_static']
myst_heading_anchors = 3

# What a package lists in __all__, with its docstrings in Google style.
autodoc_default_options = {
    'members': True, 'imported-members': True, 'show-inheritance': True}
autodoc_typehints = 'none'
autodoc_member_order = 'bysource'
napoleon_numpy_docstring = False
napoleon_use_ivar = True

# The pages made from the folders of configs are written anew for each build.
stat = runpy.run_path(str(HERE / 'stat.py'))
stat['write_pages']()


def relink(app, name: str, content: list[str]) -> None:
    """Let links to files of the repository work in the built pages."""
    page = Path(app.srcdir, f'{name}.md')
    if page.is_file() and page.parent.name != 'models':
        content[0] = stat['relink'](content[0], page, page)


def setup(app) -> None:
    """Register what runs while Sphinx does."""
    app.connect('source-read', relink)
