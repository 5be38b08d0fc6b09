# Copyright (c) OpenMMLab. All rights reserved.
"""The ``mmavs`` command."""

import argparse
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import DictAction

from mmavs.utils.command_line import run_program
from mmavs.version import __version__

# Commands that hand their arguments to a program of tools/.
DOORS = {
    'train': ('tools/train.py', 'train a model from a config'),
    'test': ('tools/test.py', 'test a checkpoint on a data set'),
    'check-data': ('tools/dataset_converters/check_avsbench.py',
                   'list what is missing or broken in a data set'),
    'browse-data': ('tools/analysis_tools/browse_dataset.py',
                    'draw clips as the pipeline delivers them'),
}
OUTPUTS = ('video', 'masks', 'json', 'npz', 'sheet')


def build_parser() -> argparse.ArgumentParser:
    """The command line; the doors are listed but parse for themselves."""
    parser = argparse.ArgumentParser(
        prog='mmavs', description='Audio-visual segmentation: mark what '
        'sounds in a video.', formatter_class=_wide)
    parser.add_argument('--version', action='version',
                        version=f'mmavs {__version__}')
    commands = parser.add_subparsers(dest='command', metavar='COMMAND',
                                     required=True)
    _add_infer(commands.add_parser(
        'infer', help='segment videos: overlay with sound, masks and more',
        description='Segment what sounds in videos of any length.'))
    _add_compare(commands.add_parser(
        'compare', help='several models on one video, side by side',
        description='Show several models, and the ground truth, side by '
        'side.'))
    _add_demo(commands.add_parser(
        'demo', help='a page to try it in the browser',
        description='Serve a page: upload or pick a clip, see what sounds, '
        'mute or swap the sound. Needs gradio (pip install "mmavs[demo]").'))
    samples = commands.add_parser(
        'samples', help='write short videos to try a model on',
        description='Write four synthetic videos, and each once more with '
        'other sound.')
    samples.add_argument('out_dir', nargs='?', default='samples',
                         metavar='DIR', help='default: %(default)s')
    models = commands.add_parser('list-models', help='list the model zoo')
    models.add_argument('pattern', nargs='?',
                        help='e.g. "selm*"; default: all')
    for name, (_, text) in DOORS.items():
        commands.add_parser(name, help=f'{text} (mmavs {name} --help)',
                            add_help=False)
    return parser


def _wide(prog: str) -> argparse.HelpFormatter:
    return argparse.HelpFormatter(prog, max_help_position=28)


def _add_infer(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('inputs', nargs='+', metavar='VIDEO',
                        help='video files or folders of videos; with --wav, '
                        'a folder of frames, one a second')
    parser.add_argument('--model', required=True,
                        help='name from "mmavs list-models", or a config')
    parser.add_argument('--checkpoint', metavar='FILE',
                        help='weights; default: those of the zoo')
    parser.add_argument('--out-dir', default='results', metavar='DIR',
                        help='default: %(default)s')
    parser.add_argument('--outputs', nargs='+', choices=OUTPUTS,
                        default=['video', 'sheet'], metavar='KIND',
                        help='any of video (overlay with the original '
                        'sound), masks (PNG), json (COCO RLE), npz '
                        '(probabilities), sheet (frames, masks and sound on '
                        'pages); default: video sheet')
    parser.add_argument('--wav', metavar='FILE', help='sound of the frames '
                        'in a folder')
    parser.add_argument('--fps', type=int, default=1, metavar='N',
                        help='masks per second; default: 1, as in training')
    parser.add_argument('--window-seconds', type=int, metavar='T',
                        help='seconds the model sees at once; default: as '
                        'in its data set')
    parser.add_argument('--audio-stream', type=int, default=0, metavar='I',
                        help='which sound track; default: the first')
    parser.add_argument('--on-missing-audio', default='raise',
                        choices=('raise', 'silence'),
                        help='videos without sound: stop, or treat them as '
                        'silent; default: raise')
    parser.add_argument('--batch-size', type=int, default=1, metavar='B',
                        help='windows passed at once; default: 1')
    parser.add_argument('--cfg-options', nargs='+', metavar='KEY=VALUE',
                        action=DictAction,
                        help='changes to the config of the model')
    parser.add_argument('--resume', action='store_true',
                        help='go on where this command was stopped; inputs '
                        'that are complete are left out')
    parser.add_argument('--alpha', type=float, default=0.5,
                        help='strength of the mask colour; default: 0.5')
    parser.add_argument('--heatmaps', action='store_true',
                        help='show heat maps (CLEVER) and gates (BCSM) on '
                        'the sheets')
    parser.add_argument('--device', help='e.g. cpu or cuda:0; default: the '
                        'best there is')
    parser.add_argument('--quiet', action='store_true',
                        help='no progress bar')


def _add_compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('input', metavar='VIDEO', help='a video; with --wav, '
                        'a folder of frames, one a second')
    parser.add_argument('--model', nargs=2, action='append', required=True,
                        metavar=('CONFIG', 'CHECKPOINT'),
                        help='a model and its weights; once for each')
    parser.add_argument('--labels', nargs='+', metavar='TEXT',
                        help='names for the pictures; default: those of the '
                        'configs')
    parser.add_argument('--ground-truth', metavar='DIR',
                        help='folder of mask images, one per mask')
    parser.add_argument('--wav', metavar='FILE', help='sound of the frames '
                        'in a folder')
    parser.add_argument('--out-dir', default='results', metavar='DIR',
                        help='default: %(default)s')
    parser.add_argument('--fps', type=int, default=1, metavar='N',
                        help='masks per second; default: 1')
    parser.add_argument('--device', help='default: the best there is')


def _add_demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--model', default='selm_tiny_synthetic',
                        help='name from "mmavs list-models", or a config; '
                        'default: %(default)s, whose weights are in the '
                        'package')
    parser.add_argument('--checkpoint', metavar='FILE',
                        help='weights; default: those of the zoo')
    parser.add_argument('--host', default='127.0.0.1', metavar='ADDRESS',
                        help='where to listen; default: %(default)s, this '
                        'machine only')
    parser.add_argument('--port', type=int, default=7860, metavar='N',
                        help='default: %(default)s')
    parser.add_argument('--share', action='store_true',
                        help="offer the page to the world through gradio's "
                        'servers; off by default')
    parser.add_argument('--device', help='default: the best there is')


def demo(args: argparse.Namespace) -> None:
    """``mmavs demo``."""
    from mmavs.apis.demo.page import import_gradio
    import_gradio()  # before the model is loaded
    from mmavs.apis.demo.serve import serve
    serve(args.model, args.checkpoint, device=args.device, host=args.host,
          port=args.port, share=args.share)


def samples(args: argparse.Namespace) -> None:
    """``mmavs samples``."""
    from mmavs.datasets.synthetic.sample_videos import write_sample_videos
    for sample in write_sample_videos(args.out_dir):
        print(f'{sample.path}\n{sample.twin}')


def compare(args: argparse.Namespace) -> None:
    """``mmavs compare``."""
    from mmavs.apis import AVSInferencer, compare_models
    labels = args.labels or [Path(config).stem for config, _ in args.model]
    if len(labels) != len(args.model) or len(set(labels)) < len(labels):
        raise ValueError('give --labels, a different one for each of the '
                         f'{len(args.model)} models')
    models = {label: AVSInferencer(config, checkpoint, args.device,
                                   show_progress=False)
              for label, (config, checkpoint) in zip(labels, args.model)}
    item = args.input if args.wav is None else (args.input, args.wav)
    paths = compare_models(models, item, args.out_dir, fps=args.fps,
                           ground_truth=args.ground_truth)
    for kind, files in paths.items():
        for path in files:
            print(f'{kind}: {path}')


def infer(args: argparse.Namespace) -> None:
    """``mmavs infer``."""
    from mmavs.apis import AVSInferencer
    inputs = args.inputs
    if args.wav is not None:
        if len(inputs) != 1:
            raise ValueError('--wav is the sound of one folder of frames, '
                             f'but there are {len(inputs)} inputs')
        inputs = [(inputs[0], args.wav)]
    inferencer = AVSInferencer(args.model, args.checkpoint, args.device,
                               cfg_options=args.cfg_options,
                               show_progress=not args.quiet)
    done = inferencer(
        inputs, out_dir=args.out_dir, outputs=args.outputs, fps=args.fps,
        window_seconds=args.window_seconds, audio_stream=args.audio_stream,
        on_missing_audio=args.on_missing_audio, batch_size=args.batch_size,
        alpha=args.alpha, heatmaps=args.heatmaps, resume=args.resume)
    for prediction in done['predictions']:
        print(f'{prediction["name"]}: {prediction["num_masks"]} masks')
        for kind, path in prediction['outputs'].items():
            print(f'  {kind}: {path}')


def list_models(args: argparse.Namespace) -> None:
    """``mmavs list-models``."""
    from mmavs.apis import list_models as names
    found = names(args.pattern)
    if not found:
        raise ValueError(f'the zoo has no model like {args.pattern!r}')
    print('\n'.join(found))


def open_door(name: str, arguments: Sequence[str]) -> int | None:
    """Run a program of tools/ under the name of its door."""
    from mmavs.apis.model_zoo import zoo_root
    path = zoo_root() / DOORS[name][0]
    if not path.is_file():
        raise FileNotFoundError(f'{path} is missing; install mmavs again')
    sys.argv = [f'mmavs {name}', *arguments]
    spec = importlib.util.spec_from_file_location(
        f'mmavs_tool_{path.stem}', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main()


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point of the console script."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in DOORS:
        run_program(lambda: open_door(arguments[0], arguments[1:]))
    args = build_parser().parse_args(arguments)
    command = dict(infer=infer, compare=compare, demo=demo, samples=samples)
    command['list-models'] = list_models
    run_program(lambda: command[args.command](args))


if __name__ == '__main__':
    main()
