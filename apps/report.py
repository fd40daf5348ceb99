"""Reports of runs as one HTML file: `python -m apps.report --help`."""

import sys
import webbrowser
from pathlib import Path

from apps import cli, early, options
from apps.cli import user_errors

DESCRIPTION = """\
Writes a report as one HTML file that needs no network and no server: what was run, curves with hover, zoom and log
scale (pip install bokeh), the pictures with a slider over the epochs, figures with standard errors, the model, its
card, and how to go on. Several runs lie beside one another: curves, differences of hyperparameters, figures. A run that
was interrupted or diverged has a report, too. TensorFlow is not needed. Training ends with such a report.
"""
EXAMPLES = """\
examples:
  python -m apps.report runs/vae --open                    as runs/vae/report.html, and shown
  python -m apps.report runs/vae runs/iwae --to both.html  two runs in one report
"""


def parser():
    parser = options.Parser(prog="python -m apps.report", description=DESCRIPTION, epilog=EXAMPLES)
    parser.add_argument("folders", metavar="RUN", nargs="+", help="run folders, as apps.train leaves them")
    parser.add_argument(
        "--to", metavar="FILE", help="where to write (default: RUN/report.html, of several runs report.html)"
    )
    parser.add_argument("--open", action="store_true", help="show it in the browser")
    return parser


def main(argv=None):
    arguments = parser().parse(sys.argv[1:] if argv is None else argv)
    for folder in arguments.folders:
        early.check_run(folder)
    beside = arguments.folders[0] if len(arguments.folders) == 1 else "."
    place = Path(arguments.to or Path(beside) / "report.html")
    if place.is_dir():
        raise cli.UserError(f"--to expects a file, and {place} is a folder")
    early.check_free(place)
    text = written(arguments.folders, place.parent)
    with user_errors(OSError, about=f"cannot write {place}"):
        early.module("files").replace(place, lambda path: path.write_text(text, encoding="utf-8"))
    print(f"written:\n  {place}  the report, {len(text) / 1e6:.1f} MB")
    if arguments.open:
        webbrowser.open(place.resolve().as_uri())


def written(folders, beside):
    """The report of runs as a text, which will lie in the folder `beside`."""
    reports = early.package("report")
    return reports.page([reports.read(folder) for folder in folders], beside=beside)


if __name__ == "__main__":
    cli.run(main)
