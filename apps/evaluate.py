"""Evaluation of a trained model on held-out data: `python -m apps.evaluate --help`."""

import sys

from apps import catalogue, cli, early, options
from apps.cli import user_errors

DESCRIPTION = """\
Evaluates the model of a run folder on held-out data and prints its metrics, for models with a density also
log p(x), estimated by importance sampling (a lower bound that tightens as samples grow; Burda et al. 2016).
Samples of models without a density, such as a GAN, are compared with the held-out ones: images by the features of
a LeNet trained on the data set, which is kept in the run folder, or by those that --features names; points in the
plane by the modes that they reach and by optimal transport. A segmenter segments whole scans, of the fold that was
held out or of other data: Dice and Hausdorff distances, overlays and masks. Writes evaluation.json into the run folder,
and what a segmenter makes of other data into FOLDER/evaluations/NAME.
"""
EXAMPLES = """\
examples:
  python -m apps.evaluate runs/vae
  python -m apps.evaluate runs/vae --num-samples 5000 --limit 1000
  python -m apps.evaluate runs/gan --num-samples 10000 --features runs/lenet-digits.keras
"""


def parser():
    parser = options.Parser(prog="python -m apps.evaluate", description=DESCRIPTION, epilog=EXAMPLES)
    parser.add_argument("folder", metavar="FOLDER", help="a run folder, as apps.train leaves it")
    options.add_data(
        parser,
        catalogue.datasets(),
        "evaluate on other data than the run's: {names}",
        "evaluate on all data of a folder or file, as apps.train takes them; a segmenter on all scans of a folder "
        "with masks",
    )
    parser.add_argument(
        "--num-samples", type=options.whole_number(0), metavar="K",
        help="latents drawn per image for log p(x) (default: 100), or samples to compare with the held-out ones"
        " (default: 10000); 0 leaves either out",
    )  # fmt: skip
    options.add_features(parser, "images are compared")
    parser.add_argument("--limit", type=options.whole_number(2), metavar="N", help="only the first N held-out samples")
    return parser


def main(argv=None):
    arguments = parser().parse(sys.argv[1:] if argv is None else argv)
    early.check_run(arguments.folder)
    cli.start_tensorflow()
    evaluate(arguments)


def evaluate(arguments):
    """Evaluates a run's model on what it held out, or on other data."""
    from apps import show
    from keras_dl.runs import RunFolder, closing
    from keras_dl.tasks import Context

    folder, config, recipe = cli.open_run(arguments.folder)
    task, name = recipe.TASK, cli.dataset_name(arguments)
    with user_errors(ValueError, OSError, ImportError):
        if not name:
            folder.check_free(folder.evaluation_file)
        model = folder.load_model()
        place = cli.data_folder(arguments) if name else config.get("folder")
        reading = cli.reading_of(config, other=bool(name))
        label_values = config["data"].get("label_values")
        data = task.load(name or config["dataset"], place, label_values, show.tracked, **reading)
        data = data.of_run(config, folder.path, other=bool(name), limit=arguments.limit)
        counts = {"epoch": int(model.state.epoch), "num_samples": arguments.num_samples, "features": arguments.features}
        if name and task.condition == "masks":  # beside the figures of the cases that were held out
            folder = RunFolder(folder.path / "evaluations" / data.name)
            folder.path.mkdir(parents=True, exist_ok=True)
        folder.check_free(folder.evaluation_file)
        context = Context(folder.path, config["fit"], config["seed"], track=show.tracked, say=show.note, **counts)
        report = task.evaluate(model, data, context)
        folder.write_evaluation({"dataset": data.name, "rows": report.rows, **report.results})
        if folder.exists():
            closing.write_report(folder)
    show.report(report)
    show.written({folder.evaluation_file: "these figures", **report.files})


if __name__ == "__main__":
    cli.run(main)
