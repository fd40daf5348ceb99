"""Samples from a trained model: `python -m apps.sample --help`."""

import sys
from pathlib import Path

from apps import cli, early, options
from apps.cli import UserError, user_errors

DESCRIPTION = """\
Draws samples from the model of a run folder, as a picture or as an array.
"""
EXAMPLES = """\
examples:
  python -m apps.sample runs/vae                                      64 samples beside real data: pictures/samples.png
  python -m apps.sample runs/vae --num-samples 1000 --seed 1 --to samples.npy
  python -m apps.sample runs/vae --latent-mixture 20                  from 20 Gaussians fitted on latents of its data
  python -m apps.sample runs/cvae                                     one row per class
  python -m apps.sample runs/cvae --condition 3,7 --num-samples 16    threes and sevens
"""
SUFFIXES = (".png", ".jpg", ".npy")


def parser():
    parser = options.Parser(prog="python -m apps.sample", description=DESCRIPTION, epilog=EXAMPLES)
    parser.add_argument("folder", metavar="FOLDER", help="a run folder, as apps.train leaves it")
    number = options.whole_number(1, 10_000_000)
    parser.add_argument("--num-samples", type=number, metavar="N", help="how many (default: 64, or 8 per class)")
    parser.add_argument(
        "--condition", type=labels, metavar="LABELS", help="for a conditional model: class labels, repeated in turn"
    )
    parser.add_argument(
        "--latent-mixture", type=options.whole_number(1, 10_000), metavar="K",
        help="for a VAE: draw latents from a mixture of K Gaussians fitted on those of its training data, not from the"
        " prior",
    )  # fmt: skip
    seed = options.whole_number(0)
    parser.add_argument("--seed", type=seed, metavar="N", help="fixes the samples (default: others at every call)")
    parser.add_argument(
        "--to", metavar="FILE", help=f"where to write, by its suffix {', '.join(SUFFIXES)}"
        " (default: FOLDER/pictures/samples.png; of rows of a table FOLDER/samples.npy)",
    )  # fmt: skip
    return parser


def labels(text):
    """The integers of `3,7,1`."""
    return [int(part) for part in text.split(",")]


def main(argv=None):
    arguments = parser().parse(sys.argv[1:] if argv is None else argv)
    if arguments.to and not arguments.to.endswith(SUFFIXES):
        raise UserError(f"--to expects a file that ends in {', '.join(SUFFIXES)}; received {arguments.to!r}")
    if arguments.to:
        early.check_free(arguments.to)
    early.check_run(arguments.folder)
    cli.start_tensorflow()
    sample(arguments)


def sample(arguments):
    """Draws samples from a run's model and writes them."""
    from apps import show
    from keras_dl.callbacks.sheets import epoch_title
    from keras_dl.tasks.drawing import write_samples

    folder, config, recipe = cli.open_run(arguments.folder)
    cli.check_use(folder, recipe, "sample")
    with user_errors(ValueError, OSError):
        model, classes = folder.load_model(), config["data"].get("num_classes")
        drawn = {"num_samples": arguments.num_samples, "labels": arguments.condition, "seed": arguments.seed}
        if arguments.latent_mixture:
            sampler = two_stage(recipe.TASK, model, config, folder, arguments.latent_mixture)
        else:
            sampler = model
        samples = recipe.TASK.samples(sampler, classes, **drawn)
    path = destination(arguments.to, folder, samples.shape[1:])
    with user_errors(ValueError), user_errors(OSError, about=f"cannot write {path}"):
        title = epoch_title(model, config["dataset"], int(model.state.epoch), what=show.counted(len(samples), "sample"))
        real = None if path.suffix == ".npy" else real_data(recipe.TASK, config, folder, len(samples))
        write_samples(path, samples, title, real)
    if config["data"].get("standardised"):
        show.note(f"values are standardised; {folder.path / 'config.json'} has the columns, their means and deviations")
    show.written({path: show.counted(len(samples), "sample")})


def destination(to, folder, shape):
    """The path of samples of a shape: of a picture, or of an array where they cannot be drawn."""
    from keras_dl import files
    from keras_dl.tasks.drawing import can_show

    if can_show(shape):
        return Path(to) if to else files.free_name(folder.pictures / "samples.png")
    if to and not to.endswith(".npy"):
        expected = f"a file that ends in .npy: samples of shape {shape} are no pictures"
        raise UserError(f"--to expects {expected}; received {to!r}")
    return Path(to) if to else files.free_name(folder.path / "samples.npy")


def two_stage(task, model, config, folder, components):
    """A sampler from a mixture that is fitted on the latents of the run's training data."""
    return task.two_stage(model, data_of(task, config, folder), components, config["fit"], config["seed"])


def real_data(task, config, folder, count):
    """Held-out data to draw beside `count` samples; None where the data are not at hand."""
    from apps import show
    from keras_dl.tasks.drawing import real_beside

    try:
        return real_beside(data_of(task, config, folder).x_test, count)
    except (ValueError, OSError) as error:
        show.note(f"drawn without real data: {error}")
        return None


def data_of(task, config, folder):
    """The data of a run."""
    from apps import show

    data = task.load(config["dataset"], config.get("folder"), track=show.tracked, **cli.reading_of(config))
    return data.of_run(config, folder.path)


if __name__ == "__main__":
    cli.run(main)
