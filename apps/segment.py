"""Segments a folder of scans by trained models: `python -m apps.segment --help`."""

import sys

from apps import cli

DESCRIPTION = """\
Segments the images of a folder by the model of a run of unet, unet3d or nnunet, or by those of several runs, whose
probabilities are averaged (such as the five folds of nnunet). Images are prepared as the run planned it, predicted in
overlapping windows, weighted by Gaussians and mirrored, and brought back to their own grid. Writes masks as files like
the images, NIfTI with the affine of its image, and overlays.png.
"""
EXAMPLES = """\
examples:
  python -m apps.segment runs/nnunet --data FOLDER --out predictions
  python -m apps.segment runs/fold0 runs/fold1 runs/fold2 runs/fold3 runs/fold4 --data FOLDER --out predictions
"""


def parser():
    parser = cli.Parser(prog="python -m apps.segment", description=DESCRIPTION, epilog=EXAMPLES)
    parser.add_argument("folders", nargs="+", metavar="RUN", help="run folders, as apps.train leaves them")
    parser.add_argument(
        "--data", required=True, metavar="FOLDER", help="the images, in FOLDER, FOLDER/images or FOLDER/imagesTr"
    )
    parser.add_argument("--out", default="predictions", metavar="FOLDER", help="for the masks (default: predictions)")
    parser.add_argument(
        "--no-mirroring", action="store_true", help="do not average over mirror images: faster, a little less exact"
    )
    return parser


def main(argv=None):
    arguments = parser().parse(sys.argv[1:] if argv is None else argv)
    cli.start_tensorflow()
    from apps import segmenting

    segmenting.segment(arguments)


if __name__ == "__main__":
    cli.run(main)
