"""Translation or enlargement of a folder of images by a trained model: `python -m apps.translate --help`."""

import sys

from apps import cli, early, options
from apps.cli import user_errors

DESCRIPTION = """\
Makes images of the images of a folder by the model of a run of super_resolution, srgan, pix2pix or cyclegan: files in,
PNG files of the same names out. The first two take images of any size, in tiles.
"""
EXAMPLES = """\
examples:
  python -m apps.translate runs/sr --data FOLDER --out enlarged
  python -m apps.translate runs/cyclegan --data FOLDER --out days --backward
"""


def parser():
    parser = options.Parser(prog="python -m apps.translate", description=DESCRIPTION, epilog=EXAMPLES)
    parser.add_argument("run", metavar="RUN", help="folder of a run")
    parser.add_argument("--data", required=True, metavar="FOLDER", help="the images")
    parser.add_argument("--out", default="translations", metavar="FOLDER", help="for the files (default: translations)")
    parser.add_argument("--backward", action="store_true", help="of cyclegan: from the second domain to the first")
    seed = options.whole_number(0)
    parser.add_argument("--seed", type=seed, metavar="N", help="of pix2pix with dropout: with its noise, by this seed")
    return parser


def main(argv=None):
    arguments = parser().parse(sys.argv[1:] if argv is None else argv)
    early.check_run(arguments.run)
    cli.start_tensorflow()
    from apps import show

    folder, _, recipe = cli.open_run(arguments.run)
    cli.check_use(folder, recipe, "translate")
    with user_errors(ValueError, OSError, ImportError):
        model = folder.load_model()
        how = {"track": show.tracked, "backward": arguments.backward, "seed": arguments.seed}
        files = recipe.TASK.translate_folder(model, arguments.data, arguments.out, **how)
    show.written(files)


if __name__ == "__main__":
    cli.run(main)
