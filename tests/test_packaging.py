# Copyright (c) OpenMMLab. All rights reserved.
import configparser
import subprocess
import sys
import zipfile

import pytest


def pip_wheel(repo_dir, folder):
    done = subprocess.run(
        [sys.executable, '-m', 'pip', 'wheel', '--quiet', '--no-deps',
         '--no-build-isolation', '-w', str(folder), str(repo_dir)],
        capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel, ) = folder.glob('*.whl')
    return wheel


@pytest.fixture(scope='module')
def source(repo_dir, tmp_path_factory):
    """A copy of the tracked files, so that building leaves no traces."""
    folder = tmp_path_factory.mktemp('source')
    files = subprocess.run(
        ['git', 'ls-files', '-z'], cwd=repo_dir, capture_output=True)
    if files.returncode != 0:
        pytest.skip('not a git checkout')
    for name in files.stdout.decode().split('\0'):
        path = repo_dir / name
        if not name or not path.is_file():
            continue
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture(scope='module')
def wheel(source, tmp_path_factory):
    return pip_wheel(source, tmp_path_factory.mktemp('wheel'))


def test_wheel_holds_the_package_and_nothing_else(wheel, source):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split('/')[0] for name in names}
    assert {top for top in tops if not top.endswith('.dist-info')} == {
        'mmavs'}
    for path in (source / 'mmavs').rglob('*.py'):
        assert path.relative_to(source).as_posix() in names
    assert not [name for name in names if name.endswith('.pyc')]


def test_wheel_holds_the_mim_folder(wheel, source):
    names = zipfile.ZipFile(wheel).namelist()
    assert 'mmavs/.mim/model-index.yml' in names
    for folder in ('configs', 'tools'):
        for path in (source / folder).rglob('*.py'):
            place = f'mmavs/.mim/{path.relative_to(source).as_posix()}'
            assert place in names
    assert 'mmavs/.mim/tools/dist_train.sh' in names
    assert 'mmavs/.mim/configs/selm/metafile.yml' in names
    weights = [path.name for path in (source / 'weights').glob('*.pth')]
    assert weights
    assert all(f'mmavs/.mim/weights/{name}' in names for name in weights)


def test_zoo_of_an_installed_wheel(wheel, tmp_path):
    """Without the checkout beside it, the zoo is read from ``.mim``."""
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = ('import mmavs; from mmavs.apis import *; '
            'from mmavs.apis.model_zoo import zoo_root; '
            'print(mmavs.__file__, zoo_root(), len(list_models()))')
    done = subprocess.run([sys.executable, '-c', code], cwd=tmp_path,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    module, root, number = done.stdout.split()[-3:]
    assert module == str(tmp_path / 'mmavs' / '__init__.py')
    assert root == str(tmp_path / 'mmavs' / '.mim')
    assert int(number) > 5


def test_editable_installation_links(repo_dir):
    """Where the tests run in an editable installation."""
    mim = repo_dir / 'mmavs' / '.mim'
    if not mim.is_dir():
        pytest.skip('not installed with pip install -e')
    assert (mim / 'configs').resolve() == repo_dir / 'configs'
    assert (mim / 'tools').resolve() == repo_dir / 'tools'


def read_requirements(path):
    lines = (line.split('#')[0].strip()
             for line in path.read_text().splitlines())
    return {line for line in lines if line and not line.startswith('-')}


def test_requirement_files_agree_with_the_extras(repo_dir):
    setup = configparser.ConfigParser()
    setup.read(repo_dir / 'setup.cfg')
    extras = {key: set(value.split()) for key, value in
              setup['options.extras_require'].items()}
    runtime = set(setup['options']['install_requires'].split())
    folder = repo_dir / 'requirements'
    assert read_requirements(folder / 'runtime.txt') == runtime
    for name, extra in (('mminstall', 'onedl'), ('tests', 'tests'),
                        ('docs', 'docs')):
        assert read_requirements(folder / f'{name}.txt') == extras[extra]
    assert extras['onedl'] | extras['tests'] | extras['docs'] <= extras['all']
    assert not any(name in requirement for requirement in runtime
                   for name in ('mmcv', 'mmengine', 'mmseg'))


def test_reference_stack_is_pinned_and_is_ours(repo_dir):
    pins = read_requirements(repo_dir / 'requirements' / 'reference.txt')
    names = {pin.split('==')[0].split('>')[0] for pin in pins}
    for name in read_requirements(repo_dir / 'requirements' / 'runtime.txt'):
        assert name.split('>')[0] in names
    for name in ('onedl-mmengine', 'onedl-mmcv', 'onedl-mmsegmentation'):
        assert any(pin.startswith(f'{name}==') for pin in pins)


def test_every_python_file_has_the_header(source):
    header = '# Copyright (c) OpenMMLab. All rights reserved.\n'
    folders = ('mmavs', 'tools', 'tests', 'benchmarks', 'demo')
    missing = [str(path.relative_to(source)) for folder in folders
               for path in (source / folder).rglob('*.py')
               if path.stat().st_size
               and not path.read_text(encoding='utf-8').startswith(header)]
    assert missing == []


def test_no_file_is_too_long(source):
    long = {str(path.relative_to(source)): len(path.read_text().splitlines())
            for path in (source / 'mmavs').rglob('*.py')}
    assert {name: n for name, n in long.items() if n > 500} == {}
