"""Runs: folders, hyperparameter spaces, training from where it stands, model cards."""

from typing import TYPE_CHECKING

from keras_dl import lazy
from keras_dl.runs.config import refuse_changes, refuse_other_values
from keras_dl.runs.folder import RunFolder
from keras_dl.runs.lock import locked
from keras_dl.runs.publication import publish
from keras_dl.runtime.describe import versions

if TYPE_CHECKING:
    from keras_dl.runs.run import Run, prepare
    from keras_dl.runs.space import Name

__getattr__, __dir__ = lazy.attributes(__name__, {"run": ("Run", "prepare"), "space": ("Name",)})  # KerasTuner

__all__ = [
    "Name",
    "Run",
    "RunFolder",
    "locked",
    "prepare",
    "publish",
    "refuse_changes",
    "refuse_other_values",
    "versions",
]
