"""Segmentation of a folder of scans by trained models: `python -m apps.segment --help`."""

import sys
from pathlib import Path

from apps import cli, early, options
from apps.cli import user_errors

DESCRIPTION = """\
Segments the images of a folder by the model of a run of unet, unet3d or nnunet, or by those of several runs, whose
probabilities are averaged (as of the five runs that apps.train --folds leaves). Images are prepared as the run planned
it, predicted in overlapping windows, weighted by Gaussians and mirrored, and brought back to their own grid. Writes
masks as files like the images, NIfTI with the affine of its image, and pictures/overlays.png.
"""
EXAMPLES = """\
examples:
  python -m apps.segment runs/nnunet --data FOLDER --out predictions
  python -m apps.segment runs/five --data FOLDER --out predictions      the ensemble of runs/five/fold_0 to fold_4
  python -m apps.segment runs/a runs/b --data FOLDER --out predictions
"""


def parser():
    parser = options.Parser(prog="python -m apps.segment", description=DESCRIPTION, epilog=EXAMPLES)
    parser.add_argument("folders", nargs="+", metavar="RUN", help="folders of runs, or of their folds")
    parser.add_argument(
        "--data", required=True, metavar="FOLDER", help="the images, in FOLDER, FOLDER/images or FOLDER/imagesTr"
    )
    parser.add_argument("--out", default="predictions", metavar="FOLDER", help="for the masks (default: predictions)")
    parser.add_argument("--no-mirroring", action="store_true", help="do not average over mirror images: faster")
    return parser


def main(argv=None):
    arguments = parser().parse(sys.argv[1:] if argv is None else argv)
    for path in arguments.folders:
        early.check_run(path, folds=True)
    cli.start_tensorflow()
    segment(arguments)


def segment(arguments):
    """Segments the images of a folder by one run's model, or by several as an ensemble."""
    from apps import show
    from keras_dl.runs import RunFolder, ensemble

    paths = [run for path in arguments.folders for run in RunFolder(path).folds() or [path]]
    folders = []
    for path in paths:
        folder, _, recipe = cli.open_run(path)
        cli.check_use(folder, recipe, "segment")
        folders.append(folder)
    with user_errors(ValueError, OSError, ImportError):
        models = ensemble.of_runs(folders, mirror=not arguments.no_mirroring)
        if len(folders) > 1:
            show.say(f"an ensemble of {', '.join(str(folder.path) for folder in folders)}")
        files = models.segment_folder(arguments.data, Path(arguments.out), show.tracked)
    show.written(files)


if __name__ == "__main__":
    cli.run(main)
