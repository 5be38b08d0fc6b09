# Copyright (c) OpenMMLab. All rights reserved.
import runpy

import pytest

NAMES = ['resnet18', 'pvt_v2_b0', 'halonet26t', 'inception_v3', 'hrnet_w18',
         'vit_tiny_patch16_224']


@pytest.fixture(scope='module')
def tool(repo_dir):
    return runpy.run_path(
        str(repo_dir / 'tools/analysis_tools/sweep_backbones.py'))


def test_page(tool, tmp_path):
    results = [tool['try_model'](name) for name in NAMES]
    works = {r.name: not r.reason for r in results}
    assert works == dict(resnet18=True, pvt_v2_b0=True, halonet26t=True,
                         inception_v3=False, hrnet_w18=False,
                         vit_tiny_patch16_224=False)
    assert not results[2].any_size and results[0].any_size
    page = tmp_path / 'page.md'
    tool['write_page'](results, {'resnet18': 0.}, page)
    text = page.read_text()
    assert '**3 of 6** work, from 3 families' in text
    assert '| byoanet | 1 | `halonet26t`\\* |' in text
    assert '| hrnet | 1 | timm runs it as a whole' in text


def test_numbers(tool):
    assert tool['compare_numbers']('resnet18') < 1e-5


def test_committed_page_lists_enough(repo_dir):
    import re
    text = (repo_dir / 'docs/en/backbones.md').read_text()
    found = re.search(r'\*\*(\d+) of (\d+)\*\* work', text)
    assert int(found[1]) >= 800
    assert int(found[1]) == text.split('## What does not')[0].split(
        '## What works')[1].count('`') // 2 - 1  # one more names img_size
