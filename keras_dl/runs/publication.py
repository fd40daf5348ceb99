"""Publication of a run: its model as a new version in TF Serving's layout, with a card."""

import contextlib
import functools
import os
import shutil
import warnings
from pathlib import Path
from typing import Any

from keras_dl import files
from keras_dl.models import formats
from keras_dl.runs.card import FORMATS, model_card
from keras_dl.runs.serving import merged_config, models_config
from keras_dl.runtime.export import staged
from keras_dl.tasks.measure import silent
from keras_dl.types import PathLike, Say


def publish(
    folder: Any,
    target: PathLike,
    task: Any,
    about: str,
    version: int | None = None,
    format: str = "saved_model",
    say: Say = silent,
) -> dict[Path, str]:
    """Writes a run's model as a new version, with a model card and, for servers, the folder's `models.config`.

    Files of the user's stay: the card and its picture then get other names, and to a `models.config` models are added.

    Args:
        folder: `RunFolder`.
        target: path of the model's folder.
        task: `keras_dl.tasks.Task`.
        about: a sentence about the model, for the card.
        version: integer, or None for the next one.
        format: a name in `runs.card.FORMATS`.
        say: function that is told lines of text.

    Returns:
        Dict of the meanings of what was written by path.

    Raises:
        ValueError, OSError, ImportError: if the model cannot be exported like that.
    """
    config, model, target = folder.read_config(), folder.load_model(), Path(target)
    served = os.path.basename(os.path.abspath(target))
    version = version or 1 + max(versions(target), default=0)
    signatures = model.signatures()
    shown = signatures
    if format != "saved_model":
        shown = {name: signatures[name] for name in formats.signatures_without_noise(signatures)}
    source = last_picture(folder, task.card_pictures)
    picture = source and files.free_name(target / "samples.png").name
    text = model_card(served, version, about, folder, config, task, shown, picture, format)
    with _staged(model, target, version, format, signatures, say) as written:
        models, listed = target.parent / "models.config", format == "saved_model"
        listed = listed and list_models(models, served)
        if source:
            files.put(target / "samples.png", functools.partial(shutil.copyfile, source))
        card = files.put(target / "README.md", lambda path: path.write_text(text, encoding="utf-8"))
    paths = {Path(written): FORMATS[format], card: "the model card"}
    if listed:
        paths[models] = "tensorflow_model_server --model_config_file"
    elif format == "saved_model":
        say(f"note: {models} is not a list of models that {served} can be added to, and stays")
    return paths


def list_models(path, *more):
    """Brings a `models.config` up to date in one step; returns whether it is a list that models can be added to.

    Args:
        path: `pathlib.Path` of the list, which may be a link.
        *more: Names of models that will be there.
    """
    folder, path = path.parent, Path(os.path.realpath(path))
    try:
        old = path.read_text(encoding="utf-8") if path.exists() else None
    except (IsADirectoryError, UnicodeDecodeError):
        return False
    new = models_config(folder, more) if old is None else merged_config(old, folder, more)
    if new is not None and new != old:
        temporary = path.with_name(f".new_{os.getpid()}_{path.name}")
        try:
            temporary.write_text(new, encoding="utf-8")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    return new is not None


def versions(folder):
    """The versions of a model that are there, integers."""
    return [int(path.name) for path in folder.glob("*") if path.is_dir() and path.name.isdecimal()]


def last_picture(folder, patterns):
    """The path of a run's last picture of the first pattern that there is, or None if there is none."""
    for pattern in patterns:
        pictures = sorted(folder.pictures.glob(pattern))
        if pictures:
            return pictures[-1]
    return None


@contextlib.contextmanager
def _staged(model, target, version, format, signatures, say):
    """Exports the model, visibly where the block ends; what is said about warm-up is told, other warnings stay."""
    with contextlib.ExitStack() as stack:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            written = stack.enter_context(staged(model, target, version, format, signatures))
        for warning in caught:
            if "warm-up" in str(warning.message):
                say(f"note: {warning.message}")
            else:
                warnings.showwarning(warning.message, warning.category, warning.filename, warning.lineno)
        yield written
