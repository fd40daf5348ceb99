"""Evaluates a trained model on held-out data: `python -m apps.evaluate --help`."""

import sys

from apps import catalogue, cli

DESCRIPTION = """\
Evaluates the model of a run folder on held-out data and prints its metrics, for models with a density also
log p(x), estimated by importance sampling (a lower bound that tightens as samples grow; Burda et al. 2016).
Writes evaluation.json into the run folder.
"""
EXAMPLES = """\
examples:
  python -m apps.evaluate runs/vae
  python -m apps.evaluate runs/vae --num-samples 5000 --limit 1000
"""


def parser():
    parser = cli.Parser(prog="python -m apps.evaluate", description=DESCRIPTION, epilog=EXAMPLES)
    parser.add_argument("folder", metavar="FOLDER", help="a run folder, as apps.train leaves it")
    datasets = catalogue.datasets()
    parser.add_argument(
        "--dataset",
        type=cli.one_of("dataset", datasets),
        metavar="NAME",
        help=f"evaluate on other data than the run's: {', '.join(datasets)}",
    )
    parser.add_argument(
        "--num-samples", type=cli.whole_number(0), default=100, metavar="K",
        help="latents drawn an image for log p(x); 0 leaves it out (default: 100)",
    )  # fmt: skip
    parser.add_argument("--limit", type=cli.whole_number(2), metavar="N", help="only the first N held-out samples")
    return parser


def main(argv=None):
    arguments = parser().parse(sys.argv[1:] if argv is None else argv)
    cli.start_tensorflow()
    from apps import evaluation

    evaluation.evaluate(arguments)


if __name__ == "__main__":
    cli.run(main)
