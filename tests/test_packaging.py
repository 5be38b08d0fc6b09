# Copyright (c) OpenMMLab. All rights reserved.
import configparser
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

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


NEW_USER = """
import sys
import mmavs
from mmengine.config import Config
from mmengine.hub import get_config
from mmavs.apis import get_model, init_model, list_models
from mmavs.apis.model_zoo import zoo_root

assert 'selm_pvt_ms3' in list_models('selm*')
model = get_model('selm_tiny_synthetic', pretrained=True)
assert not model.training and len(model.dataset_meta['classes']) == 2
cfg = get_config('mmavs::selm/selm_tiny_synthetic.py')
assert cfg.model.type == 'AVSegmentor'
with open('mine.py', 'w') as file:
    file.write("_base_ = 'mmavs::selm/selm_tiny_synthetic.py'\\n"
               'model = dict(neck=None)')
assert init_model('mine.py').neck is None
assert init_model('selm-tiny').neck is not None
places = {str(getattr(m, '__file__', None) or '')
          for m in list(sys.modules.values())}
print(mmavs.__file__)
print(zoo_root())
print('\\n'.join(sorted(places)))
"""


def install_into(folder, *what):
    """Install into an environment of its own; the rest is borrowed."""
    subprocess.run([sys.executable, '-m', 'venv', '--without-pip',
                    str(folder)], check=True)
    python = folder / 'bin' / 'python'
    site = subprocess.run(
        [str(python), '-c', 'import sysconfig; '
         'print(sysconfig.get_path("purelib"))'],
        capture_output=True, text=True, check=True).stdout.strip()
    # A path in a .pth file does not run the .pth files it holds, so that an
    # editable installation of the checkout there stays out of sight.
    Path(site, 'borrowed.pth').write_text(sysconfig.get_path('purelib'))
    done = subprocess.run(
        [sys.executable, '-m', 'pip', '--python', str(python), 'install',
         '--quiet', '--no-deps', '--no-index', '--no-build-isolation',
         '--ignore-installed', *map(str, what)],
        capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope='module')
def installed(wheel, tmp_path_factory):
    return install_into(tmp_path_factory.mktemp('installed') / 'venv', wheel)


def run_installed(installed, tmp_path, *command):
    env = {key: value for key, value in os.environ.items()
           if not key.startswith('PYTHON')}
    return subprocess.run(
        [str(installed / 'bin' / command[0]), *command[1:]], cwd=tmp_path,
        env=dict(env, OMP_NUM_THREADS='1'), capture_output=True, text=True)


@pytest.mark.slow
def test_a_new_user_of_the_wheel(installed, repo_dir, tmp_path):
    done = run_installed(installed, tmp_path, 'python', '-c', NEW_USER)
    assert done.returncode == 0, done.stderr
    module, root, *places = done.stdout.split('\n')
    assert module.startswith(str(installed))
    assert root == str(Path(module).parent / '.mim')
    own = [place for place in places if 'mmavs' in Path(place).parts]
    assert len(own) > 50
    assert [place for place in own
            if Path(place).is_relative_to(repo_dir / 'mmavs')] == []


@pytest.mark.slow
def test_commands_of_the_wheel(installed, tmp_path):
    done = run_installed(installed, tmp_path, 'mmavs', 'list-models')
    assert done.returncode == 0, done.stderr
    assert 'selm_pvt_ms3' in done.stdout.splitlines()
    done = run_installed(installed, tmp_path, 'mmavs', 'train', '--help')
    assert done.returncode == 0 and '--resume' in done.stdout, done.stderr
    mim = next(installed.glob('lib/*/site-packages/mmavs/.mim'))
    assert (mim / 'tools' / 'analysis_tools' / 'benchmark.py').is_file()
    assert not mim.is_symlink() and not (mim / 'configs').is_symlink()


@pytest.mark.slow
def test_mim_folder_of_an_editable_installation(source, tmp_path):
    folder = install_into(tmp_path / 'venv', '-e', source)
    done = run_installed(
        folder, tmp_path, 'python', '-c', 'import mmavs; '
        'from mmengine.hub import get_config; print(mmavs.__file__, '
        'get_config("mmavs::selm/selm_tiny_synthetic.py").model.type)')
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-2:] == [
        str(source / 'mmavs' / '__init__.py'), 'AVSegmentor']
    for name in ('configs', 'tools', 'model-index.yml'):
        assert (source / 'mmavs' / '.mim' / name).resolve() == source / name


@pytest.mark.slow
def test_a_fresh_installation_predicts(wheel, tmp_path):
    """Without a checkpoint, away from the checkout, as in the README."""
    zipfile.ZipFile(wheel).extractall(tmp_path)
    for command in (
            ['samples', 'clips'],
            ['infer', 'clips/bus-bird.mp4', '--model', 'selm_tiny_synthetic',
             '--out-dir', 'results', '--device', 'cpu', '--quiet']):
        done = subprocess.run(
            [sys.executable, '-m', 'mmavs.cli', *command], cwd=tmp_path,
            capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert 'bus-bird: 5 masks' in done.stdout
    assert 'random weights' not in done.stdout + done.stderr
    assert (tmp_path / 'results' / 'bus-bird.mp4').is_file()


def test_editable_installation_links(repo_dir):
    """Where the tests run in an editable installation."""
    mim = repo_dir / 'mmavs' / '.mim'
    if not mim.is_dir():
        pytest.skip('not installed with pip install -e')
    assert (mim / 'configs').resolve() == repo_dir / 'configs'
    assert (mim / 'tools').resolve() == repo_dir / 'tools'
    assert (mim / 'weights').resolve() == repo_dir / 'weights'


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
                        ('docs', 'docs'), ('demo', 'demo')):
        assert read_requirements(folder / f'{name}.txt') == extras[extra]
    assert extras['onedl'] | extras['tests'] | extras['docs'] | extras[
        'demo'] <= extras['all']
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
