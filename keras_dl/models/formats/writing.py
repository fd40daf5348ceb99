"""Files of other formats put in place at once."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from keras_dl import files
from keras_dl.checks import refusal
from keras_dl.models.formats.litert import write_litert
from keras_dl.models.formats.onnx import write_onnx
from keras_dl.types import PathLike

#: Formats, and how their files' names end.
FORMATS = {"onnx": ".onnx", "litert": ".tflite"}


def write(model: Any, filepath: PathLike, format: str, signatures: dict[str, Any]) -> None:
    """Writes a model's signatures without noise as files of a format; see `keras_dl.runtime.export`.

    Args:
        model: The model.
        filepath: A folder to make, which gets a file a signature (ONNX) or one file (LiteRT); or, where it ends in
            `.onnx` or `.tflite`, a file: of the first signature (ONNX), or of all, which may replace one that this
            wrote.
        format: A key of `FORMATS`.
        signatures: Dict of the model's `Signature`s by name.

    Raises:
        ValueError: If the format cannot hold the model, or the file gives other numbers.
        FileExistsError: If there is such a folder, or a file of the user's.
    """
    filepath, suffix = os.path.abspath(os.fspath(filepath)), FORMATS[format]
    single = filepath.endswith(suffix)
    if os.path.isdir(filepath) or (not single and os.path.exists(filepath)):
        raise refusal("filepath should not exist yet", filepath, error=FileExistsError)
    if single:
        files.check_free([filepath])
    os.makedirs(os.path.dirname(filepath), exist_ok=True)
    temporary = tempfile.mkdtemp(prefix=".export-", dir=os.path.dirname(filepath))
    try:
        write_files(model, temporary, format, signatures, first_only=single)
        (name, *_) = sorted(os.listdir(temporary))
        if single:
            files.replace(filepath, Path(temporary, name).replace)
        else:
            os.chmod(temporary, 0o755)
            os.replace(temporary, filepath)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_files(
    model: Any, folder: PathLike, format: str, signatures: dict[str, Any], first_only: bool = False
) -> tuple[str, ...]:
    """Writes a model's files into an empty folder, compares them with it, and returns the signatures' names."""
    if format == "litert":
        return write_litert(model, folder, signatures)
    return write_onnx(model, folder, signatures, only=next(iter(signatures)) if first_only else None)
