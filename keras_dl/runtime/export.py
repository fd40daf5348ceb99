"""Models in folders of versions: SavedModels in TF Serving's layout, and files for ONNX Runtime and LiteRT."""

import contextlib
import os
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

from keras_dl.checks import refusal
from keras_dl.models import formats
from keras_dl.models.formats.saved_model import write_saved_model
from keras_dl.runtime import warmup
from keras_dl.types import PathLike

FORMATS = ("saved_model", *formats.FORMATS)


def export(
    model: Any, path: PathLike, version: int = 1, format: str = "saved_model", signatures: dict | None = None
) -> Path:
    """Writes a model's signatures as `path/<version>/`, which TF Serving serves.

    The SavedModel holds the functions that `model.signatures()` names, with named inputs and outputs and an unknown
    batch size; the first is also `serving_default`. It needs no Python to run. Where a model has one signature, which
    only reads variables, of 1 GiB at most, it has constants in their place: batch normalization becomes part of the
    convolution before it. Inputs of other shapes, with NaN or infinities, and labels out of range are refused in the
    graph. With the extra `serve`, the version also holds requests of every signature by which TF Serving warms up;
    without it, a warning says that there are none.

    | `format` | what the version holds | which signatures | to run it |
    |---|---|---|---|
    | `"saved_model"` | a SavedModel with warm-up requests | all | TensorFlow, TF Serving |
    | `"onnx"` | a file `<signature>.onnx` each | those without noise | onnxruntime (extra `onnx`) |
    | `"litert"` | `model.tflite` | those without noise | LiteRT (extra `litert`) |

    The last two compute in float32 throughout (integers of 8 bits are not offered: softplus, SELU and others are 0 over
    most of their range there) and do not check their inputs, which should be finite; batches should have rows. Where
    its runtime is installed, a file is compared with the model before it is moved into place: on values in [0, 1),
    normal and large values, zeros, one row, negative integers, and no rows. In ONNX, an output that has the name of an
    input ends in `_out`.

    A version is written to a temporary folder and moved, so that a server never sees half of it.

    Args:
        model: A `keras_dl` model.
        path: Folder of the model; versions live in it, all of one kind: SavedModels or not.
        version: Positive integer, the name of the version's folder.
        format: One of the names above.
        signatures: Dict of the `Signature`s to write, by name; `None` for all, `model.signatures()`.

    Returns:
        The path of the version's folder.

    Raises:
        ValueError: If the version is not a positive integer, the format is unknown or not that of other versions in
            the folder, or the model has no signatures; or if the format lacks an operation of the model, which is named
            with its layer, or a file gives other numbers than the model.
        FileExistsError: If the version exists: it is never overwritten.
        ImportError: If the format needs an extra that is missing.

    Example:

    >>> import tempfile
    >>> network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> folder = keras_dl.runtime.export(keras_dl.models.Supervised(network), tempfile.mkdtemp(), version=3)
    >>> folder.endswith("3")
    True
    """
    with staged(model, path, version, format, signatures) as target:
        return target


@contextlib.contextmanager
def staged(model, path, version=1, format="saved_model", signatures=None):
    """Writes a version as `export` does, which becomes visible where the block ends, and not if that fails.

    Args:
        model, path, version, format, signatures: As for `export`.

    Yields:
        The path that the version's folder will have.

    Raises:
        ValueError, FileExistsError, ImportError: As `export` does.
    """
    _check_arguments(model, version, format)
    path = os.fspath(path)
    target = os.path.join(path, str(version))
    if os.path.lexists(target):
        raise refusal(
            f"version {version} should not exist yet, it is never overwritten", f"{target}", error=FileExistsError
        )
    _check_kind(path, format)
    new_folders = _make_folders(path)
    # Hidden, so that a server that polls the folder passes it over; beside the target, so that the move is atomic.
    temporary = tempfile.mkdtemp(prefix=".export-", dir=path)
    try:
        written = os.path.join(temporary, str(version))
        signatures = model.signatures() if signatures is None else signatures
        _write(model, written, format, os.path.basename(os.path.abspath(path)), signatures)
        os.chmod(written, 0o755)
        yield target
        os.rename(written, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        for folder in new_folders:  # those made for an export that failed: they are empty
            with contextlib.suppress(OSError):
                os.rmdir(folder)


def _check_arguments(model, version, format):
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise refusal("version should be a positive integer", version=version)
    if format not in FORMATS:
        raise refusal(f"format should be one of {FORMATS}", format=format)
    if not callable(getattr(model, "signatures", None)):
        raise refusal("model should be a keras_dl model, with signatures", f"{type(model).__name__}")


def _make_folders(path):
    """Makes a folder and those above it; returns those that were not there, the innermost first."""
    new_folders, folder = [], os.path.abspath(path)
    while not os.path.isdir(folder):
        new_folders.append(folder)
        folder = os.path.dirname(folder)
    os.makedirs(path, exist_ok=True)
    return new_folders


def _write(model, folder, format, name, signatures):
    if format == "saved_model":
        write_saved_model(model, folder, signatures)
        _warm_up(model, folder, name, signatures)
        return
    os.mkdir(folder)
    formats.write_files(model, folder, format, signatures)


def _warm_up(model, folder, name, signatures):
    try:
        warmup.write_requests(model, folder, name, signatures)
    except ImportError as error:
        warnings.warn(
            "No warm-up records were written: the first requests to a server will be slow. They need "
            f"tensorflow-serving-api, which pip install 'keras_dl[serve]' brings. ({error})",
            stacklevel=4,
        )


def _check_kind(path, format):
    """Refuses other formats beside SavedModels: a server would try to load them."""
    names = os.listdir(path) if os.path.isdir(path) else []
    for name in sorted(name for name in names if name.isdecimal()):
        saved_model = os.path.isfile(os.path.join(path, name, "saved_model.pb"))
        if saved_model != (format == "saved_model"):
            kind = "a SavedModel" if saved_model else "not a SavedModel"
            raise refusal(
                f"path should hold versions of one kind, as servers load them all, and {format!r} another folder",
                f"{path}, whose version {name} is {kind}",
            )
