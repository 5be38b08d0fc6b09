# Copyright (c) OpenMMLab. All rights reserved.
"""Write the pages that are made from the folders of configs.

``model_zoo.md`` comes from the metafiles, ``models/*.md`` are the READMEs.
conf.py calls it for each build; ``python docs/en/stat.py`` does it by hand.
"""

import os
import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
LINK = re.compile(r'\[([^]]+)\]\((?![a-z]+:|#)([^)#\s]+)(#[^)\s]*)?\)')
INTRO = """\
# Model zoo

{count} models. *This page is made from the `metafile.yml` of each folder of
configs.*

Numbers marked *(paper)* are printed in the paper and were not measured here.
All others were measured with this code, on the machine and from the seeds
that the table names.

```python
from mmavs.apis import get_model, list_models

list_models('selm*')
model = get_model('selm_tiny_synthetic', pretrained=True)
```

Weights are *shipped* with mmavs, *convert*ed from the authors' file by the
command below the table, or made by *train*ing the config.
"""


def read_zoo(root: Path = ROOT) -> list[tuple[dict, list[dict]]]:
    """Return each collection with its models."""
    index = yaml.safe_load((root / 'model-index.yml').read_text('utf-8'))
    zoo = []
    for name in index['Import']:
        content = yaml.safe_load((root / name).read_text('utf-8'))
        (collection, ) = content['Collections']
        zoo.append((collection, content['Models']))
    return zoo


def link(text: str, path: str) -> str:
    """Link to a file of the repository from this folder."""
    return f'[{text}](../../{path})'


def weights(model: dict) -> str:
    """Say how to get a model's weights."""
    place = model.get('Weights')
    if place is None:
        return 'convert' if model.get('Converted From') else 'train'
    if '://' in place:
        return f'[download]({place})'
    return link('shipped', place)


def results(model: dict) -> str:
    """Write all numbers of a model in a cell."""
    return '<br>'.join(
        f'{name}: {value}' for result in model.get('Results') or ()
        for name, value in result['Metrics'].items())


def training(model: dict) -> str:
    """Write what a training took in a cell."""
    meta = model.get('Metadata') or {}
    parts = []
    if 'Epochs' in meta:
        parts.append(f'{meta["Epochs"]} epochs, batch {meta["Batch Size"]}')
    if 'Seeds' in meta:
        seeds = ', '.join(map(str, meta['Seeds']))
        parts.append(f'seed{"s" * (len(meta["Seeds"]) > 1)} {seeds}')
    for key in ('Training Time', 'Training Resources', 'Memory (GB)'):
        if key in meta:
            parts.append(f'{meta[key]} GB' if 'GB' in key else meta[key])
    return '<br>'.join(map(str, parts))


def size(model: dict) -> str:
    """Write parameters and FLOPs in a cell."""
    meta = model.get('Metadata') or {}
    parts = []
    if 'Parameters' in meta:
        parts.append(f'{meta["Parameters"] / 1e6:.1f} M')
    if 'FLOPs' in meta:
        parts.append(f'{meta["FLOPs"] / 1e9:.0f} GFLOPs')
    return '<br>'.join(parts)


def section(collection: dict, models: list[dict]) -> str:
    """Write the chapter of one collection."""
    lines = [f'## {collection["Name"]}', '']
    paper = collection.get('Paper')
    if paper:
        lines += [f'*{paper["Title"]}*', '']
    lines += [link('What it is and how to use it', collection['README']), '',
              '| model | size | data | training | numbers | weights |',
              '|---|---|---|---|---|---|']
    for model in models:
        data = (model.get('Metadata') or {}).get('Training Data', '')
        cells = (link(f'`{model["Name"]}`', model['Config']), size(model),
                 data, training(model), results(model) or '-',
                 weights(model))
        lines.append('| ' + ' | '.join(cells) + ' |')
    commands = [f'python {model["Converted From"]["Code"]} \\\n'
                f'    AUTHORS_FILE.pth {model["Name"]}.pth '
                f'--model {model["Name"]}' for model in models
                if model.get('Converted From')]
    if commands:
        lines += ['', '```bash', *commands, '```']
    return '\n'.join(lines) + '\n'


def zoo_page() -> str:
    """Write the page of the zoo."""
    zoo = read_zoo()
    count = sum(len(models) for _, models in zoo)
    return '\n'.join([INTRO.format(count=count),
                      *(section(*entry) for entry in zoo)])


def readme_pages() -> dict[Path, Path]:
    """Map each README of the configs to the page made from it."""
    folder = ROOT / 'configs'
    return {path: HERE / 'models' / ('-'.join(
        path.parent.relative_to(folder).parts) + '.md')
        for path in sorted(folder.rglob('README.md'))}


def relink(text: str, source: Path, target: Path) -> str:
    """Rewrite a page's links so that they work in the built pages.

    READMEs of configs become links to their pages; other files outside of
    the docs are offered as downloads.

    Args:
        text (str): Markdown.
        source (Path): Where it is written; its links start here.
        target (Path): The page it becomes.
    """
    pages = readme_pages()

    def replace(found: re.Match) -> str:
        label, address, anchor = found.groups()
        file = Path(os.path.normpath(source.parent / address))
        place = pages.get(file, file)
        path = Path(os.path.relpath(place, target.parent)).as_posix()
        outside = not place.is_relative_to(HERE)
        if outside and place.suffix == '.md':
            return f'{{download}}`{label} <{path}>`'
        return f'[{label}]({path}{anchor or ""})'

    return LINK.sub(replace, text)


def write_pages() -> None:
    """Write all pages; those that have not changed stay as they are."""
    pages = {HERE / 'model_zoo.md': zoo_page()}
    for source, target in readme_pages().items():
        pages[target] = relink(source.read_text('utf-8'), source, target)
    for path, text in pages.items():
        path.parent.mkdir(exist_ok=True)
        if not path.is_file() or path.read_text('utf-8') != text:
            path.write_text(text, 'utf-8')


if __name__ == '__main__':
    write_pages()
