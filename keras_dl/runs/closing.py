"""The end of a run: what its report shows beside the figures and pictures, and the report."""

import contextlib
import json

import tensorflow as tf

from keras_dl import files, report
from keras_dl.callbacks.sheets import Block, save_points, save_sheet
from keras_dl.models.base import NotFiniteError
from keras_dl.runs.card import model_card

GLANCE = 24  # samples of the data that are shown


@contextlib.contextmanager
def diverging(folder):
    """Notes in a run's folder that training ended as a value was not finite, and reports it."""
    end = folder.path / "end.json"
    if files.is_free(end):  # of an earlier end, and not a file of the user's
        end.unlink(missing_ok=True)
    try:
        yield
    except NotFiniteError as error:
        note_end(folder, "diverged", reason(error))
        if folder.exists():
            write_report(folder)
        raise


def reason(error):
    """Returns what a report says of a `NotFiniteError`: what was not finite, when and where.

    Example:

    >>> from keras_dl.models.base.finite import Place
    >>> reason(NotFiniteError("...").at(Place("critic", "loss", 7), epoch=2))
    "the loss was NaN or infinite in epoch 2, at step 7, in update 'critic'"
    """
    if type(error) is not NotFiniteError or error.place is None:
        return str(error).removesuffix(".")
    update, term, step = error.place
    what = {"loss": "the loss", "gradient": "a gradient", "weights": "a weight"}.get(term, term)
    return f"{what} was NaN or infinite in epoch {error.epoch}, at step {step}, in update {update!r}"


def note_end(folder, state, reason):
    """Notes that training ended otherwise than after the last epoch.

    Args:
        folder: `RunFolder`.
        state: `"diverged"`, or `"stopped"` for a run that was ended on purpose.
        reason: what a report says of it, without a full stop.
    """
    _write(folder.path / "end.json", json.dumps({"state": state, "reason": reason}, indent=2) + "\n")


def close(run, test_data, captions):
    """Writes what a report shows of a run that ended, and the report.

    Args:
        run: `Run`, whose results are written.
        test_data: its held-out data.
        captions: dict of the meanings of its pictures by path.
    """
    path = run.folder.path
    texts = {picture.name: text for picture, text in captions.items()}
    _write(path / "captions.json", json.dumps(texts, indent=2) + "\n")
    draw_glance(path / "data.png", test_data, run.data.spec.shape, run.data.name)
    if {"command", "versions"} <= run.config.keys():  # programs note them
        _write(path / "card.md", _card(run))
    write_report(run.folder)


def write_report(folder):
    """Writes the report of a run, over an older one that nobody has changed.

    Args:
        folder: `RunFolder`.

    Returns:
        The path of the file.
    """
    return _write(folder.report_file, report.page([report.read(folder.path)]))


def draw_glance(path, test_data, shape, name):
    """Draws a few samples of images, or of points in the plane; of other data nothing.

    Args:
        path: the picture.
        test_data: `tf.data.Dataset` of batches.
        shape: a sample's shape.
        name: what the data are called.
    """
    batch = next(iter(test_data.unbatch().batch(GLANCE)))
    samples = tf.nest.flatten(batch)[0]
    title = f"Held-out samples of {name}"
    if tuple(samples.shape[1:]) != tuple(shape):
        return
    if len(shape) == 3 and shape[-1] in (1, 3):
        samples = samples.numpy()
        value_range = (min(0.0, float(samples.min())), max(1.0, float(samples.max())))
        save_sheet(path, title, [Block(samples, "", 8, (), value_range)])
    elif tuple(shape) == (2,):
        points = next(iter(test_data.unbatch().batch(1000)))
        save_points(path, tf.nest.flatten(points)[0], title)  # without labels or values beside them


def _card(run):
    recipe = run.config["recipe"]
    title, about = f"{recipe} on {run.config['dataset']}", f"{type(run.model).__name__} of the recipe {recipe}."
    signatures = run.model.signatures()
    return model_card(title, "not exported yet", about, run.folder, run.config, run.task, signatures, None)


def _write(path, text):
    return files.put(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
