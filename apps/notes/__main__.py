"""The notes, run: `python -m apps.notes --help`."""

import importlib
import sys
from pathlib import Path

from apps import catalogue, cli, early, options
from apps.cli import UserError, user_errors

NAMES = ("activations", "approximator", "convolutions", "dimensions", "game")
DESCRIPTION = """\
Computes what the course's theory says on real numbers: prints what is measured beside its closed form, and draws it.

  activations    every activation with its derivative, the step too, and a signal through 50 layers
  approximator   one hidden layer of steps, ramps or sines: the error against the width
  convolutions   the laws of convolution and correlation, and the cost of 5x5, two 3x3, 5x1 and 1x5, an Inception path
  dimensions     the rind of a cube, the cube of half the volume, and distances that become alike
  game           a GAN in one dimension: the optimal discriminator, its value, and the generator's two gradients
"""
EXAMPLES = """\
examples:
  python -m apps.notes game                    the numbers, and runs/notes/game.png
  python -m apps.notes dimensions --to my.png
"""
SUFFIXES = (".png", ".svg", ".pdf")


def parser():
    parser = options.Parser(prog="python -m apps.notes", description=DESCRIPTION, epilog=EXAMPLES)
    parser.add_argument("name", metavar="NAME", type=options.one_of("note", NAMES), help=f"one of {', '.join(NAMES)}")
    parser.add_argument("--to", metavar="FILE", help="where the picture goes (default: runs/notes/NAME.png)")
    return parser


def main(argv=None):
    arguments = parser().parse(sys.argv[1:] if argv is None else argv)
    place = Path(arguments.to or f"runs/notes/{arguments.name}.png")
    if place.suffix not in SUFFIXES:
        raise UserError(f"--to expects a file that ends in {', '.join(SUFFIXES)}; received {arguments.to!r}")
    early.check_free(place)
    cli.start_tensorflow()
    run(arguments.name, place)


def run(name, place):
    """Measures, draws and shows one note."""
    from matplotlib.figure import Figure

    from apps import show
    from keras_dl import files

    note = importlib.import_module(f"apps.notes.{name}")
    columns = {"measured": {}, "closed form": {}}
    for row, (measured, closed) in note.measure().items():
        columns["measured"][row], columns["closed form"][row] = f"{measured:.6g}", f"{closed:.6g}"
    show.results_table(catalogue.docstring(str(note.__file__)).partition("\n")[0], columns)
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    note.draw(figure)
    with user_errors(OSError, about=f"cannot write {place}"):
        files.replace(place, lambda path: figure.savefig(path, dpi=100))
    show.written({place: "the same, drawn"})


if __name__ == "__main__":
    cli.run(main)
