"""The record of a recipe's space, beside the trials of a search: KerasTuner goes on in the old one without a word."""

import json
from pathlib import Path

import keras_tuner as kt

from keras_dl import files
from keras_dl.checks import refusal
from keras_dl.runtime.tuning.space import differences, searched

FILE = "recipe_space.json"


def check(folder, parameters):
    """Refuses a search that was begun with other ranges; if none was begun, writes the ranges down.

    Args:
        folder: The search's folder.
        parameters: Dict by name of what the recipe may ask for.

    Raises:
        keras_tuner.errors.FatalValueError: If that is not what it might ask for then.
    """
    path, new = Path(folder) / FILE, searched(parameters)
    if not path.is_file():
        _write(path, new)
        return
    texts = differences(_read(path), new)
    if texts:
        raise refusal(
            f"the recipe should ask for what it asked for when the search in {path.parent} began; give the tuner "
            "another project_name, or overwrite=True",
            f"{'; '.join(texts)}",
            error=kt.errors.FatalValueError,
        )


def _read(path):
    try:
        old = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(old, dict):
            raise ValueError(f"it should hold names with ranges, and holds {old!r}")
    except (OSError, ValueError) as error:
        expected = f"{path} should be what was written when the search began: {error}"
        raise refusal(expected, path, error=kt.errors.FatalValueError) from error
    return old


def _write(path, content):
    files.replace(path, lambda temporary: temporary.write_text(json.dumps(content, indent=1), encoding="utf-8"))
