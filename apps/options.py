"""Options of programs: their parser, types of what an option takes, and the options that several programs share."""

import argparse
import json
import sys

from apps import catalogue, cli


class Parser(argparse.ArgumentParser):
    """An argument parser whose help keeps its line breaks and which names the nearest option to a misspelt one."""

    def __init__(self, **options):
        formatter = argparse.RawDescriptionHelpFormatter
        super().__init__(formatter_class=formatter, allow_abbrev=False, **options)

    def error(self, message):
        self.exit(cli.USER_ERROR, f"error: {message}\nfor help: {self.prog} --help\n")

    def parse(self, argv=None):
        arguments, rest = self.parse_known_args(argv)
        if rest:
            options = [option for option in self._option_string_actions if option.startswith("--")]
            wrong = rest[0].split("=")[0]
            if wrong.startswith("-"):
                self.error(catalogue.unknown("option", wrong, options))
            self.error(f"unexpected argument {wrong!r}")
        return arguments


class Version(argparse.Action):
    """The option `--version`: shows what the programs compute with, and ends."""

    def __init__(self, option_strings, dest, **options):
        super().__init__(option_strings, dest, nargs=0, help="show versions, processor, devices and kernels, and stop")

    def __call__(self, parser, namespace, values, option_string=None):
        cli.start_tensorflow()
        from keras_dl import runtime

        print(json.dumps(runtime.describe(), indent=2))
        parser.exit()


def one_of(kind, names):
    """An argparse type that accepts `names` and otherwise answers with the nearest."""

    def known_name(text):
        if text not in names:
            raise argparse.ArgumentTypeError(catalogue.unknown(kind, text, names))
        return text

    return known_name


def recipe_of(names):
    """An argparse type for recipes: one of the names, or a file of one's own."""
    known = one_of("recipe", names)
    return lambda text: text if text in names or catalogue.is_recipe(text) else known(text)


def whole_number(smallest, largest=2**63 - 1):
    """An argparse type for integers from `smallest` to `largest`."""

    def number_within(text):
        try:
            number = int(text)
        except ValueError:
            number = None
        if number is None or not smallest <= number <= largest:
            limits = f"from {smallest}" if largest == 2**63 - 1 else f"from {smallest} to {largest}"
            raise argparse.ArgumentTypeError(f"expected a whole number {limits}, received {text!r}")
        return number

    return number_within


#: An argparse type for how many of something.
count = whole_number(1)


def recipes_text(names):
    width = 2 + max(map(len, names), default=0)
    lines = (f"  {name:<{width}}{catalogue.docstring(name).splitlines()[0]}" for name in names)
    return "recipes:\n" + "\n".join(lines)


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


def add_data(parser, names, dataset, data):
    """Adds the options of the data: a named set, or files.

    Args:
        parser: `Parser`.
        names: names of the data sets.
        dataset: what `--dataset` means, in which `{names}` are those of the data sets.
        data: what `--data` means.
    """
    add_dataset(parser, names, dataset)
    parser.add_argument("--data", metavar="PATH", help=data)


def add_dataset(parser, names, dataset, default=None):
    """Adds the option of the data's name; the arguments are those of `add_data`, and the set where it is not named."""
    known = one_of("dataset", names)
    help = dataset.format(names=", ".join(names))
    parser.add_argument("--dataset", type=known, default=default, metavar="NAME", help=help)


def add_hyperparameters(parser, presets, epochs="", preset="", one=""):
    """Adds the options of hyperparameters; the texts follow what each option means everywhere.

    Args:
        parser: `Parser`.
        presets: names of the presets of the recipe that the command line names; none if it names none.
        epochs, preset, one: what else `--epochs`, `--preset` and `--set` mean.
    """
    help = f"passes over the training data{epochs}"
    parser.add_argument("--epochs", type=count, metavar="N", help=help)
    listed = f": {', '.join(presets)}" if presets else ""
    help = f"a named set of hyperparameters{preset}{listed}"
    parser.add_argument("--preset", metavar="NAME", help=help)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help=f"a hyperparameter{one}")


def add_seed(parser, decides):
    """Adds the option of the seed.

    Args:
        parser: `Parser`.
        decides: what follows from it.
    """
    help = f"decides {decides} (default: 0)"
    parser.add_argument("--seed", type=whole_number(0, 2**32 - 1), metavar="N", help=help)


def add_machine(parser, strategies):
    """Adds the options of where training runs.

    Args:
        parser: `Parser`.
        strategies: names of the strategies.
    """
    parser.add_argument(
        "--strategy", type=one_of("strategy", strategies), default="auto", metavar="NAME",
        help="where to train: none (one device), mirrored (several devices of this machine), multi_worker (several "
        "processes; see python -m apps.launch --help), or auto, which looks (the default)",
    )  # fmt: skip
    parser.add_argument(
        "--replicas", type=whole_number(1, 64), metavar="N",
        help="on how many devices to train; if there is no GPU, N shares of the CPU",
    )  # fmt: skip


def add_features(parser, compared):
    """Adds the option of the features that images are compared by.

    Args:
        parser: `Parser`.
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
        "--ignore-label", type=whole_number(-(2**31), 2**31 - 1), metavar="N",
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
    return not (of_other_data or cli.hyperparameters(arguments) or cli.asked_of_reading(arguments))


def _integers(text):
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected integers such as 0,128,255, received {text!r}") from None
