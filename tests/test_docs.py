# Copyright (c) OpenMMLab. All rights reserved.
import re

import pytest

from mmavs.utils.config import load_config

LINK = re.compile(r'\]\(([^)#\s]+)(?:#[^)]*)?\)')
CODE = re.compile(r'```.*?```', re.DOTALL)
PATH = re.compile(
    r'\b((?:configs|tools|docs|requirements|tests|benchmarks|demo)/'
    r'[\w./-]+\.(?:py|sh|txt|md|yml))\b')


def pages(repo_dir):
    folders = [repo_dir / 'docs', repo_dir / 'configs']
    return [*repo_dir.glob('*.md'), *(
        page for folder in folders for page in folder.rglob('*.md')
        if '_build' not in page.parts)]


def test_links_lead_somewhere(repo_dir):
    broken = [
        f'{page.relative_to(repo_dir)}: {link}' for page in pages(repo_dir)
        for link in LINK.findall(CODE.sub('', page.read_text('utf-8')))
        if '://' not in link and not (page.parent / link).exists()]
    assert broken == []


def test_files_that_are_named_exist(repo_dir):
    missing = [
        f'{page.relative_to(repo_dir)}: {path}' for page in pages(repo_dir)
        for path in PATH.findall(page.read_text(encoding='utf-8'))
        if not (repo_dir / path).exists()]
    assert missing == []


def test_readme_is_short(repo_dir):
    """Two screens: a stranger reads it to the end."""
    assert len((repo_dir / 'README.md').read_text().splitlines()) <= 110


@pytest.mark.parametrize('page', ['README.md',
                                  'docs/en/advanced_guides/slots.md'])
def test_config_examples_are_configs(repo_dir, tmp_path, page):
    """What a page says to write in a config can be read as one."""
    blocks = re.findall(r'```python\n(.*?)```',
                        (repo_dir / page).read_text(), re.DOTALL)
    examples = [block for block in blocks if '_base_' in block
                and 'custom_imports' not in block]
    assert examples
    for number, block in enumerate(examples):
        path = tmp_path / f'{number}.py'
        path.write_text(block.replace(
            "'./", f"'{repo_dir.as_posix()}/configs/selm/"))
        assert load_config(path).model.type == 'AVSegmentor'
