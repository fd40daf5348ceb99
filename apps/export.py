"""Exports a trained model for TF Serving: `python -m apps.export --help`."""

import sys

from apps import cli

DESCRIPTION = """\
Writes the model of a run folder as a SavedModel in TF Serving's layout, with a model card beside it:

  TO/VERSION/       the SavedModel: named signatures with an unknown batch size
  TO/README.md      the model card: data, command, figures, signatures, picture
  TO/samples.png    the picture
  models.config     beside TO: every model of that folder, for tensorflow_model_server
"""
EXAMPLES = """\
examples:
  python -m apps.export runs/vae                                   saved_models/vae_digits/1
  python -m apps.export runs/vae --to saved_models/vae_digits      the next version: saved_models/vae_digits/2
"""


def parser():
    parser = cli.Parser(prog="python -m apps.export", description=DESCRIPTION, epilog=EXAMPLES)
    parser.add_argument("folder", metavar="FOLDER", help="a run folder, as apps.train leaves it")
    parser.add_argument("--to", metavar="TO", help="the model's folder (default: saved_models/RECIPE_DATASET)")
    parser.add_argument(
        "--version", type=cli.whole_number(1), metavar="N", help="never overwritten (default: the next one)"
    )
    return parser


def main(argv=None):
    arguments = parser().parse(sys.argv[1:] if argv is None else argv)
    cli.start_tensorflow()
    from apps import exporting

    exporting.export(arguments)


if __name__ == "__main__":
    cli.run(main)
