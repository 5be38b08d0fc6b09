# Copyright (c) OpenMMLab. All rights reserved.
import shutil
import subprocess
import sys

import pytest

COMMANDS = ('bash', 'dirname', 'basename', 'df', 'awk', 'cksum', 'tr', 'cat',
            'rm', 'date', 'sed', 'pwd')


@pytest.fixture
def checkout(tmp_path, repo_dir):
    """The scripts in a folder of their own, with hardly any commands."""
    root = tmp_path / 'checkout'
    (root / 'tools').mkdir(parents=True)
    for name in ('_environment.sh', 'quickstart.sh', 'run_tests.sh'):
        shutil.copy(repo_dir / 'tools' / name, root / 'tools')
    shutil.copytree(repo_dir / 'requirements', root / 'requirements')
    (root / 'bin').mkdir()
    for name in COMMANDS:
        found = shutil.which(name)
        if found:
            (root / 'bin' / name).symlink_to(found)
    return root


def run(checkout, script, *args, **env):
    return subprocess.run(
        [shutil.which('bash'), str(checkout / 'tools' / script), *args],
        cwd=checkout.parent, env=dict(PATH=str(checkout / 'bin'), **env),
        capture_output=True, text=True)


@pytest.mark.parametrize('script', ['quickstart.sh', 'run_tests.sh'])
def test_missing_python_is_explained(checkout, script):
    done = run(checkout, script)
    assert done.returncode == 1
    assert 'Python 3.10, 3.11 or 3.12' in done.stderr
    assert 'PYTHON=' in done.stderr


def test_full_disk_is_explained(checkout):
    fake = checkout / 'bin' / 'df'
    fake.unlink()
    fake.write_text('#!/bin/sh\necho header\necho fs 10 10 123 1% /\n')
    fake.chmod(0o755)
    done = run(checkout, 'quickstart.sh', PYTHON=sys.executable)
    assert done.returncode == 1
    assert '123 MB free' in done.stderr
    assert not (checkout / '.venv').exists()


def test_unreachable_index_is_explained(checkout):
    (checkout / 'requirements' / 'reference.txt').write_text(
        './no-such-package\n')
    done = run(checkout, 'run_tests.sh', PYTHON=sys.executable,
               HOME=str(checkout))
    assert done.returncode == 1
    assert 'Running the same command again goes on' in done.stderr


def test_unknown_stack(checkout):
    done = run(checkout, 'run_tests.sh', '--stack', 'other')
    assert done.returncode == 2
    assert 'onedl or openmmlab' in done.stderr


@pytest.mark.parametrize('script', ['quickstart.sh', 'run_tests.sh'])
def test_help(checkout, script):
    done = run(checkout, script, '--help')
    assert done.returncode == 0
    assert f'bash tools/{script}' in done.stdout
