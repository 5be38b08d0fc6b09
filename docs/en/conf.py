# Copyright (c) OpenMMLab. All rights reserved.
"""Sphinx: ``sphinx-build -W docs/en docs/en/_build`` (pip: ``.[docs]``)."""

from pathlib import Path

version_file = Path(__file__).parents[2] / 'mmavs' / 'version.py'
scope = {}
exec(version_file.read_text(), scope)

project = 'MMAVS'
author = 'MMAVS Contributors'
copyright = '2026, OpenMMLab'
release = scope['__version__']
extensions = ['myst_parser']
source_suffix = {'.md': 'markdown'}
exclude_patterns = ['_build']
html_theme = 'furo'
html_title = f'MMAVS {release}'
html_static_path = ['_static']
myst_heading_anchors = 3
# Links to files of the repository work there, not in the built pages.
suppress_warnings = ['myst.xref_missing', 'toc.not_included']
