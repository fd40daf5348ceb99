"""Options that programs of recipes share: recipes and presets, and how scans are read."""

import argparse
import os
import shlex
import sys
from pathlib import Path

from apps import catalogue, cli


def recipes_text(names):
    width = 2 + max(map(len, names), default=0)
    lines = (f"  {name:<{width}}{catalogue.docstring(name).splitlines()[0]}" for name in names)
    return "recipes:\n" + "\n".join(lines)


def presets_text(recipe):
    names = list(catalogue.presets(recipe)) if recipe else []
    return f": {', '.join(names)}" if names else ""


def parsed(parser, argv=None):
    """The arguments of a program that takes a recipe, whose preset is one that there is."""
    argv = sys.argv[1:] if argv is None else argv
    arguments = parser(argv).parse(argv)
    presets = catalogue.presets(arguments.recipe) if arguments.preset is not None else {}
    if arguments.preset is not None and arguments.preset not in presets:
        raise cli.UserError(catalogue.unknown("preset", arguments.preset, list(presets)))
    cli.dataset_name(arguments)
    cli.check_names(arguments)
    return arguments


def add_data(parser, dataset, data):
    """Adds the options of the data: a named set, or files.

    Args:
        parser: `cli.Parser`.
        dataset: what `--dataset` means, in which `{names}` are those of the data sets.
        data: what `--data` means.
    """
    add_dataset(parser, dataset)
    parser.add_argument("--data", metavar="PATH", help=data)


def add_dataset(parser, dataset, default=None):
    """Adds the option of the data's name; the arguments are those of `add_data`, and the set where it is not named."""
    names = catalogue.datasets()
    known = cli.one_of("dataset", names)
    help = dataset.format(names=", ".join(names))
    parser.add_argument("--dataset", type=known, default=default, metavar="NAME", help=help)


def add_hyperparameters(parser, recipe, epochs="", preset="", one=""):
    """Adds the options of hyperparameters; the texts follow what each option means everywhere.

    Args:
        parser: `cli.Parser`.
        recipe: the recipe that the command line names, or None.
        epochs, preset, one: what else `--epochs`, `--preset` and `--set` mean.
    """
    help = f"passes over the training data{epochs}"
    parser.add_argument("--epochs", type=cli.whole_number(1), metavar="N", help=help)
    help = f"a named set of hyperparameters{preset}{presets_text(recipe)}"
    parser.add_argument("--preset", metavar="NAME", help=help)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help=f"a hyperparameter{one}")


def add_seed(parser, decides):
    """Adds the option of the seed.

    Args:
        parser: `cli.Parser`.
        decides: what follows from it.
    """
    help = f"decides {decides} (default: 0)"
    parser.add_argument("--seed", type=cli.whole_number(0, 2**32 - 1), metavar="N", help=help)


def add_features(parser, compared):
    """Adds the option of the features that images are compared by.

    Args:
        parser: `cli.Parser`.
        compared: what is compared by what.
    """
    parser.add_argument(
        "--features", metavar="FILE",
        help=f"a .keras file with the features that {compared} by; if it does not exist, they are trained and kept "
        "there, so that several runs share them (default: FOLDER/lenet-DATASET.keras); or inception_v3",
    )  # fmt: skip


def add_reading(parser):
    """Adds the options of how scans are read."""
    parser.add_argument(
        "--label-values", type=_integers, metavar="0,128,255",
        help="of --data: the numbers in the masks of the classes, ascending, the background first (default: what "
        "dataset.json names, or 0, 1, 2 ... or 0, 255)",
    )  # fmt: skip
    parser.add_argument(
        "--ignore-label", type=cli.whole_number(-(2**31), 2**31 - 1), metavar="N",
        help="of --data: the number in the masks of pixels that train nothing and are not scored, such as 255",
    )  # fmt: skip
    parser.add_argument(
        "--groups", metavar="FILE",
        help="of scans: what keeps cases of one patient in one part of a fold: CSV with lines NAME,PATIENT or JSON of "
        "such a dict; nnU-Net's splits_final.json; or a regular expression for the beginning of names, as '[^_]+'; "
        "fewer than five groups make as many folds",
    )  # fmt: skip


def are_written(arguments):
    """Whether what is asked of a recipe's hyperparameters is written down: of its own data, with nothing set."""
    of_other_data = arguments.dataset not in (None, catalogue.default_dataset(arguments.recipe)) or arguments.data
    return not (of_other_data or cli.hyperparameters(arguments) or asked_of_reading(arguments))


def asked_of_reading(arguments):
    """What the command line says of how scans are read, a dict."""
    options = {"label_values": arguments.label_values, "ignore": arguments.ignore_label, "groups": arguments.groups}
    return {name: value for name, value in options.items() if value is not None}


def reading(arguments, recipe):
    """How scans are read, as a config holds it; None if nothing is asked for."""
    options = asked_of_reading(arguments)
    if not options:
        return None
    if recipe.TASK.condition != "masks":
        raise cli.UserError("--label-values, --ignore-label and --groups are for recipes of scans with masks")
    if "groups" in options and os.path.isfile(options["groups"]):
        options["groups"] = str(Path(options["groups"]).resolve())
    return options


def reading_arguments(config):
    """The options of the command line that say how a run's scans are read, a list of texts."""
    reading = config.get("reading") or {}
    texts = {"--label-values": ",".join(map(str, reading.get("label_values", ())))}
    texts |= {"--ignore-label": str(reading.get("ignore", "")), "--groups": shlex.quote(reading.get("groups", ""))}
    return [f"{option} {text}" for option, text in texts.items() if text not in ("", "''")]


def reading_of(config, other=False):
    """The argument of a task's `load` that says how a run's scans are read; of other data, without groups."""
    options = dict(config.get("reading") or {})
    if other:
        options.pop("groups", None)
        options.pop("label_values", None)
    return {"reading": options} if options else {}


def _integers(text):
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected integers such as 0,128,255, received {text!r}") from None
