# Copyright (c) OpenMMLab. All rights reserved.
import hashlib
from pathlib import Path

import pytest
import torch
import yaml

from mmavs.apis import get_model, init_model, list_models
from mmavs.apis.model_zoo import find_entry, zoo_root
from mmavs.io.checkpoint import (
    CheckpointError,
    is_url,
    load_checkpoint_file,
)

# A model of the zoo made small enough for a quick test.
SMALL = {'model.backbone.model_name': 'resnet10t',
         'model.backbone.init_cfg': None,
         'model.audio_encoder': dict(type='LogMelCNN', _delete_=True)}
NAME = 'film-fpn_r50_ms3'


def test_patterns_select():
    assert list_models('selm*') == sorted(
        name for name in list_models() if name.startswith('selm'))
    assert list_models('no such thing') == []


@pytest.mark.parametrize('name', list_models())
def test_every_entry_has_its_config(name):
    entry = find_entry(name)
    assert entry.config.is_file()
    assert entry.config.stem == name


def test_metafiles_are_well_formed():
    index = yaml.safe_load((zoo_root() / 'model-index.yml').read_text())
    names = []
    for path in index['Import']:
        content = yaml.safe_load((zoo_root() / path).read_text())
        (collection, ) = content['Collections']
        for model in content['Models']:
            assert model['In Collection'] == collection['Name']
            # mim reads a plain string letter by letter
            assert isinstance(model.get('Alias', []), list)
            names += [model['Name'], *model.get('Alias', [])]
    assert len(names) == len(set(names))


def test_unknown_name_suggests():
    with pytest.raises(ValueError, match='similar: .*selm_pvt_ms3'):
        get_model('selm_pvt_ms4')


def test_alias():
    assert find_entry('selm-pvt-v2-b5-ms3').name == 'selm_pvt_ms3'


def shipped():
    weights = {name: find_entry(name).weights for name in list_models()}
    return {name: Path(path) for name, path in weights.items()
            if path is not None and not is_url(path)}


def test_weights_that_ship():
    files = shipped()
    assert 'selm_tiny_synthetic' in files
    for name, path in files.items():
        assert path.is_absolute() and path.stat().st_size < 10e6
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert path.name == f'{name}-{digest[:8]}.pth'
        checkpoint = load_checkpoint_file(path)
        assert set(checkpoint) == {'meta', 'state_dict'}
        assert checkpoint['meta']['config'] == name


def test_shipped_weights_say_what_the_zoo_says():
    index = yaml.safe_load(
        (zoo_root() / 'configs/selm/metafile.yml').read_text())
    (model, ) = (model for model in index['Models']
                 if model['Name'] == 'selm_tiny_synthetic')
    metrics = model['Results'][0]['Metrics']
    meta = load_checkpoint_file(shipped()['selm_tiny_synthetic'])['meta']
    assert meta['epoch'] == model['Metadata']['Epochs']
    for ours, theirs in (('J', 'J (frames with ground truth)'),
                         ('F', 'F-score'),
                         ('J_swapped', 'J with swapped sound')):
        assert meta['results'][ours] == pytest.approx(
            metrics[theirs], abs=5e-4)


def test_shipped_weights_load_by_name():
    model = get_model('selm-tiny', pretrained=True)
    state = load_checkpoint_file(shipped()['selm_tiny_synthetic'])
    own = model.state_dict()
    assert own.keys() == state['state_dict'].keys()
    assert all(torch.equal(own[key], value)
               for key, value in state['state_dict'].items())
    assert list(model.dataset_meta['classes']) == ['background', 'sounding']


def test_weights_that_must_be_converted_are_explained():
    with pytest.raises(ValueError, match='tools/model_converters'):
        get_model('selm_pvt_ms3', pretrained=True)


def test_pretrained_config_needs_a_path():
    with pytest.raises(ValueError, match='name of the zoo'):
        get_model('configs/selm/selm_pvt_ms3.py', pretrained=True)


def test_checkpoint_round_trip(tmp_path):
    first = get_model(NAME, cfg_options=SMALL)
    path = tmp_path / 'weights.pth'
    torch.save(dict(state_dict=first.state_dict()), path)
    second = init_model(find_entry(NAME).config, path, cfg_options=SMALL)
    assert not second.training
    for key, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[key])
    assert len(second.dataset_meta['classes']) == 2
    torch.save(dict(state_dict=dict(other=torch.zeros(1))), path)
    with pytest.raises(CheckpointError, match='none of the weights'):
        init_model(NAME, path, cfg_options=SMALL)
    short = dict(list(first.state_dict().items())[:-1])
    torch.save(dict(state_dict=short), path)
    with pytest.raises(CheckpointError, match='does not fit'):
        init_model(NAME, path, cfg_options=SMALL)


def test_the_callers_config_stays_as_it_is():
    from mmavs.utils.config import load_config
    cfg = load_config(find_entry(NAME).config)
    text = cfg.pretty_text
    init_model(cfg, cfg_options=SMALL)
    assert cfg.pretty_text == text


def test_missing_config_file():
    with pytest.raises(FileNotFoundError, match='nothing.py'):
        init_model('nothing.py')
