"""Trains a recipe and leaves a run folder: `python -m apps.train --help`."""

import sys

from apps import catalogue, cli

DESCRIPTION = """\
Trains a system on a data set. Everything goes into one run folder:

  config.json    what was asked for, enough to do it again
  model.keras    the model after the last whole epoch, with optimizer and random state
  checkpoints/   the last states of the run, each with its checksums; --resume takes the newest whole one
  history.csv    every metric after every epoch; also in tensorboard/
  results.json   the metrics at the end
  pictures/      loss curves, reconstructions, samples as training goes on
"""
EXAMPLES = """\
examples:
  python -m apps.train vae                               digits, the recipe's defaults, into runs/vae
  python -m apps.train vae --help                        about the recipe itself
  python -m apps.train vae --options                     its hyperparameters, with defaults and ranges
  python -m apps.train vae --dataset mnist --out runs/m --epochs 20 --set latent_size=2 --set network=conv
  python -m apps.train vae --out runs/m --resume         go on after an interruption, as if there had been none
  python -m apps.train nnunet --data FOLDER --export saved_models/mine      trained, evaluated and exported
  python -m apps.train vae --replicas 2                  each batch on two devices: the same steps
"""


def parser(argv):
    names = catalogue.recipes()
    recipe = next((text for text in argv if text in names), None)
    parser = cli.Parser(
        prog="python -m apps.train",
        description=catalogue.docstring(recipe) if recipe else DESCRIPTION + "\n" + recipes_text(names),
        epilog=None if recipe else EXAMPLES,
    )
    parser.add_argument("recipe", type=cli.one_of("recipe", names), help="the system to train: " + ", ".join(names))
    datasets = catalogue.datasets()
    parser.add_argument(
        "--dataset",
        type=cli.one_of("dataset", datasets),
        metavar="NAME",
        help=f"the data: {', '.join(datasets)} (default: the recipe's own). With the environment variable "
        "KERAS_DL_DATA=FOLDER the files of NAME are read from FOLDER/NAME/, else keras.datasets downloads them",
    )
    parser.add_argument(
        "--data", metavar="FOLDER",
        help="for unet, unet3d and nnunet, instead of --dataset: a folder with images/ and masks/, or imagesTr/ and "
        "labelsTr/, as PNG, TIFF or NIfTI files of the same names; masks of 0, 1, 2 ... or 0 and 255, at least five",
    )  # fmt: skip
    parser.add_argument("--out", metavar="FOLDER", help="the run folder (default: runs/RECIPE)")
    parser.add_argument("--epochs", type=cli.whole_number(1), metavar="N", help="passes over the training data")
    parser.add_argument("--preset", metavar="NAME", help="a named set of hyperparameters" + presets_text(recipe))
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a hyperparameter (--options lists them)"
    )
    seed = cli.whole_number(0, 2**32 - 1)
    parser.add_argument("--seed", type=seed, metavar="N", help="decides weights, noise, data order (default: 0)")
    parser.add_argument("--resume", action="store_true", help="go on with the run in the run folder")
    parser.add_argument(
        "--checkpoint-every",
        type=cli.whole_number(1),
        metavar="STEPS",
        help="keep a checkpoint after every so many steps, too, and not only after every epoch",
    )
    parser.add_argument(
        "--export", metavar="TO", help="export the trained model, too, as python -m apps.export OUT --to TO does"
    )
    strategies = ("auto", "none", "mirrored", "multi_worker")
    parser.add_argument(
        "--strategy",
        type=cli.one_of("strategy", strategies),
        default="auto",
        metavar="NAME",
        help="where to train: none (one device), mirrored (several devices of this machine), multi_worker (several "
        "processes; see python -m apps.launch --help), or auto, which looks (the default)",
    )
    parser.add_argument(
        "--replicas",
        type=cli.whole_number(1, 64),
        metavar="N",
        help="on how many devices to train; where there is no GPU, N shares of the CPU",
    )
    parser.add_argument(
        "--folds", action="store_true", help="of scans: train all five folds, into OUT/fold_0 to OUT/fold_4"
    )
    parser.add_argument("--options", action="store_true", help="list the recipe's hyperparameters and stop")
    return parser


def recipes_text(names):
    lines = (f"  {name:<8}{catalogue.docstring(name).splitlines()[0]}" for name in names)
    return "recipes:\n" + "\n".join(lines)


def presets_text(recipe):
    names = list(catalogue.presets(recipe)) if recipe else []
    return f": {', '.join(names)}" if names else ""


def parsed(parser, argv=None):
    """The arguments of a program that takes a recipe, whose preset is one that there is."""
    argv = sys.argv[1:] if argv is None else argv
    arguments = parser(argv).parse(argv)
    presets = catalogue.presets(arguments.recipe)
    if arguments.preset is not None and arguments.preset not in presets:
        raise cli.UserError(catalogue.unknown("preset", arguments.preset, list(presets)))
    return arguments


def main(argv=None):
    arguments = parsed(parser, argv)
    cli.start_tensorflow()
    from apps import folds, training

    if arguments.options:
        training.show_options(arguments)
    elif arguments.folds:
        folds.train(arguments)
    else:
        training.train(arguments)


if __name__ == "__main__":
    cli.run(main)
