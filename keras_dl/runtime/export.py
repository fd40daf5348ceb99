"""SavedModels in TF Serving's layout."""

import os
import shutil
import tempfile

from keras_dl.models.base.exporting import write_saved_model


def export(model, path, version=1):
    """Writes a model's signatures as `path/<version>/`, which TF Serving serves.

    The SavedModel holds the functions that `model.signatures()` names, with named inputs and outputs and an unknown
    batch size; the first is also `serving_default`. It needs no Python to run. It is written to a temporary folder and
    moved, so that a server never sees half of it.

    Args:
        model: A `keras_dl` model.
        path: Folder of the model; versions live in it.
        version: Positive integer, the name of the version's folder.

    Returns:
        The path of the version's folder.

    Raises:
        ValueError: If the version is not a positive integer or the model has no signatures.
        FileExistsError: If the version exists: it is never overwritten.

    Example:

    >>> import tempfile
    >>> network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> folder = keras_dl.runtime.export(keras_dl.models.Supervised(network), tempfile.mkdtemp(), version=3)
    >>> folder.endswith("3")
    True
    """
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise ValueError(f"version should be a positive integer. Received: {version!r}")
    if not callable(getattr(model, "signatures", None)):
        raise ValueError(f"model should be a keras_dl model, with signatures. Received: {type(model).__name__}")
    path = os.fspath(path)
    target = os.path.join(path, str(version))
    if os.path.exists(target):
        raise FileExistsError(f"version {version} should not exist yet, it is never overwritten. Received: {target}")
    os.makedirs(path, exist_ok=True)
    # Hidden, so that a server that polls the folder passes it over; beside the target, so that the move is atomic.
    temporary = tempfile.mkdtemp(prefix=".export-", dir=path)
    try:
        written = os.path.join(temporary, str(version))
        write_saved_model(model, written)
        os.chmod(written, 0o755)
        os.rename(written, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target
