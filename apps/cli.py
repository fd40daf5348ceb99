"""Parts of all programs: messages instead of tracebacks, what was asked for, a silent start of TensorFlow, runs."""

import contextlib
import os
import shlex
import signal
import sys
import tempfile
from pathlib import Path

from apps import catalogue

USER_ERROR = 2
INTERRUPTED = 130
_interrupted = False


class UserError(Exception):
    """Something the user can put right: shown as one message, exit code 2."""


def run(main, argv=None):
    """Runs a program: messages instead of tracebacks for what users can put right, and exit codes."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    try:
        main(argv)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(USER_ERROR) from None
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None


def interrupt(number=None, frame=None):
    """Handles Ctrl-C and kill. Remembered too, as Python drops exceptions raised inside callbacks of its own."""
    global _interrupted
    _interrupted = True
    raise KeyboardInterrupt


def check_interrupted():
    """Raises KeyboardInterrupt if one came earlier and was lost."""
    if _interrupted:
        raise KeyboardInterrupt


@contextlib.contextmanager
def user_errors(*kinds, about=""):
    """Turns exceptions of these kinds into messages for the user."""
    try:
        yield
    except (UserError, BrokenPipeError):
        raise
    except kinds as error:
        text = str(error) or type(error).__name__
        raise UserError(f"{about}: {text}" if about else text) from error


def open_run(path):
    """Returns the folder, the config and the recipe's module of a run; the recipe's own classes are then known."""
    from keras_dl.runs import RunFolder

    with user_errors(ValueError, OSError):
        folder = RunFolder(path)
        config = folder.read_config()
        return folder, config, catalogue.module(config["recipe"])


def check_use(folder, recipe, program):
    """Refuses a run whose model another of the programs uses: `sample`, `segment` or `translate`."""
    use = recipe.TASK.program
    if use not in (None, program):
        does = {"sample": "generates", "segment": "makes masks", "translate": "makes images of images"}
        data = "" if use == "sample" else " --data FOLDER"
        raise UserError(f"the model of {folder.path} {does[use]}: python -m apps.{use} {folder.path}{data}")


def old_config(folder, arguments, kind):
    """The config of what is to be resumed, a `kind` (`"run"`, `"search"`); None if a new one begins.

    Raises:
        ValueError, OSError: if it cannot be read.
    """
    if not folder.exists():
        if arguments.resume:
            raise UserError(f"nothing to resume in {folder.path}: leave --resume out to begin a {kind}")
        return None
    if not arguments.resume:
        raise UserError(f"{folder.path} already holds a {kind}: go on with --resume, or give another --out")
    return folder.read_config()


def data_folder(arguments):
    """The folder or file of `--data`, as an absolute path; None if there is none."""
    return str(Path(arguments.data).resolve()) if arguments.data else None


def dataset_name(arguments):
    """What the data are called: the data set's name, or the folder's or file's; None if neither is named."""
    if arguments.data and arguments.dataset:
        raise UserError("--dataset names a set and --data a folder; give one of them")
    if not arguments.data:
        return arguments.dataset
    path = Path(arguments.data).resolve()
    return path.stem if os.path.isfile(path) else path.name


def assignments(texts):
    """Splits `NAME=VALUE` texts into a dict of texts; a later one overrides an earlier one."""
    values = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise UserError(f"--set expects NAME=VALUE, for instance latent_size=8; received {text!r}")
        values[name.strip()] = value.strip()
    return values


def hyperparameters(arguments):
    """The hyperparameters that are set: those of the preset, over them `--set` and `--epochs`."""
    values = {} if arguments.preset is None else dict(catalogue.presets(arguments.recipe)[arguments.preset])
    values |= assignments(arguments.set)
    if arguments.epochs is not None:
        values["epochs"] = arguments.epochs
    return values


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
        raise UserError("--label-values, --ignore-label and --groups are for recipes of scans with masks")
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


def check_names(arguments):
    """Refuses a `--set` of a hyperparameter for which the recipe never asks."""
    if not arguments.set and arguments.epochs is None:
        return
    names = catalogue.hyperparameters(arguments.recipe)
    if arguments.epochs is not None and names is not None and "epochs" not in names:
        raise UserError(f"{arguments.recipe} has no number of epochs, which --epochs would set")
    for name in assignments(arguments.set):
        if names is not None and name not in names:
            raise UserError(catalogue.unknown("hyperparameter", name, names))


def start_tensorflow():
    """Imports keras_dl and TensorFlow, which takes seconds, without their start-up noise.

    keras_dl comes first, as it chooses TensorFlow's kernels (`keras_dl.onednn`).
    TensorFlow writes to the terminal from C++ before it can be told not to. Set TF_CPP_MIN_LOG_LEVEL=0 to see it all.
    """
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if "TF_CPP_MIN_LOG_LEVEL" in os.environ:
        with user_errors(ImportError):
            import keras_dl  # noqa: F401
        return
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    with user_errors(ImportError), _hidden_stderr():  # of another backend than TensorFlow, too
        import keras_dl  # noqa: F401
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")


@contextlib.contextmanager
def _hidden_stderr():
    """Keeps what is written to file descriptor 2, and shows it only if the block fails."""
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as hidden:
        os.dup2(hidden.fileno(), 2)
        try:
            yield
        except BaseException:
            hidden.seek(0)
            os.write(terminal, hidden.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
