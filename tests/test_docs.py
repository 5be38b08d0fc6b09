# Copyright (c) OpenMMLab. All rights reserved.
import re
import runpy

import pytest

from mmavs.apis import list_models
from mmavs.utils.config import load_config

LINK = re.compile(r'\]\(([^)#\s]*)(?:#([^)\s]*))?\)')
CODE = re.compile(r'```.*?```', re.DOTALL)
HEADING = re.compile(r'^#+ +(.+)$', re.MULTILINE)
PATH = re.compile(
    r'\b((?:configs|tools|docs|requirements|tests|benchmarks|demo)/'
    r'[\w./-]+\.(?:py|sh|txt|md|yml))\b')


@pytest.fixture(scope='module')
def stat(repo_dir):
    """What writes pages at build time."""
    return runpy.run_path(str(repo_dir / 'docs' / 'en' / 'stat.py'))


@pytest.fixture(scope='module')
def made(repo_dir, stat):
    """Pages that are made at build time, which need not be there."""
    return {repo_dir / 'docs' / 'en' / 'model_zoo.md',
            *stat['readme_pages']().values()}


def pages(repo_dir, made):
    folders = [repo_dir / 'docs', repo_dir / 'configs']
    return [*repo_dir.glob('*.md'), *(
        page for folder in folders for page in folder.rglob('*.md')
        if '_build' not in page.parts and page not in made)]


def anchors(text):
    """Names of the headings, as GitHub and MyST make them."""
    return {re.sub(r'[^\w\- ]', '', title.lower()).replace(' ', '-')
            for title in HEADING.findall(CODE.sub('', text))}


def broken_links(page, text, made):
    for address, anchor in LINK.findall(CODE.sub('', text)):
        if '://' in address:
            continue
        target = page if not address else (page.parent / address).resolve()
        if target in made:
            continue
        if not target.exists():
            yield f'{page}: {address}'
        elif anchor and anchor not in anchors(target.read_text('utf-8')):
            yield f'{page}: {address}#{anchor}'


def test_links_lead_somewhere(repo_dir, made):
    broken = [link for page in pages(repo_dir, made)
              for link in broken_links(page, page.read_text('utf-8'), made)]
    assert broken == []


def test_the_link_test_can_fail(repo_dir, made, tmp_path):
    page = tmp_path / 'a.md'
    (tmp_path / 'b.md').write_text('## What *is* it?\n```\n# no heading\n```')
    text = ('[a](b.md) [a](b.md#what-is-it) [a](#not-here) [a](c.md) '
            '[a](b.md#no-heading) [a](https://example.org/x#y)')
    page.write_text(text)
    assert [link.split(': ')[1] for link in broken_links(
        page, text, made)] == ['#not-here', 'c.md', 'b.md#no-heading']


def test_made_pages(repo_dir, stat, made):
    """The zoo names every model; links in made pages lead somewhere."""
    zoo = stat['zoo_page']()
    assert all(f'[`{name}`]' in zoo for name in list_models())
    assert list(broken_links(
        repo_dir / 'docs' / 'en' / 'model_zoo.md', zoo, made)) == []
    for source, target in stat['readme_pages']().items():
        text = stat['relink'](source.read_text('utf-8'), source, target)
        assert list(broken_links(target, text, made)) == []


def test_the_zoo_says_where_its_numbers_come_from(stat):
    """From a paper, or from runs of which seed, time and memory are told."""
    measured = 0
    for _, models in stat['read_zoo']():
        for model in models:
            names = [name for result in model.get('Results') or ()
                     for name in result['Metrics']]
            of_paper = [name for name in names if '(paper)' in name]
            if of_paper:
                assert of_paper == names, model['Name']
                assert 'Code' in model['Converted From']
            elif names:
                measured += 1
                missing = {'Seeds', 'Training Time', 'Memory (GB)',
                           'Training Resources'} - set(model['Metadata'])
                assert missing == set(), model['Name']
    assert measured


def test_every_page_is_in_the_contents(repo_dir, made):
    folder = repo_dir / 'docs' / 'en'
    index = (folder / 'index.md').read_text('utf-8')
    named = re.findall(r'^[\w/*-]+$', index, re.MULTILINE)
    missing = [page.relative_to(folder).as_posix()
               for page in [*folder.rglob('*.md'), *folder.rglob('*.rst')]
               if '_build' not in page.parts and page.stem != 'index'
               and not any(page.relative_to(folder).with_suffix('').match(name)
                           for name in named)]
    assert missing == []


def test_files_that_are_named_exist(repo_dir, made):
    missing = [
        f'{page.relative_to(repo_dir)}: {path}'
        for page in pages(repo_dir, made)
        for path in PATH.findall(page.read_text(encoding='utf-8'))
        if not (repo_dir / path).exists()]
    assert missing == []


def test_readme_is_short(repo_dir):
    """Two screens: a stranger reads it to the end."""
    assert len((repo_dir / 'README.md').read_text().splitlines()) <= 110


@pytest.mark.parametrize('page', ['README.md',
                                  'docs/en/advanced_guides/slots.md',
                                  'docs/en/user_guides/config.md',
                                  'docs/en/user_guides/metrics.md'])
def test_config_examples_are_configs(repo_dir, tmp_path, page):
    """What a page says to write in a config can be read as one."""
    blocks = re.findall(r'```python\n(.*?)```',
                        (repo_dir / page).read_text(), re.DOTALL)
    examples = [block for block in blocks if "_base_ = './" in block]
    assert examples
    for number, block in enumerate(examples):
        path = tmp_path / f'{number}.py'
        path.write_text(block.replace(
            "'./", f"'{repo_dir.as_posix()}/configs/selm/"))
        assert load_config(path).model.type == 'AVSegmentor'
