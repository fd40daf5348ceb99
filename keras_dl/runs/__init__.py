"""Runs: folders, hyperparameter spaces, training from where it stands, model cards."""

from typing import TYPE_CHECKING

from keras_dl import lazy
from keras_dl.runs.config import refuse_changes, refuse_other_values, versions
from keras_dl.runs.folder import RunFolder
from keras_dl.runs.lock import locked
from keras_dl.runs.names import Name
from keras_dl.runs.publication import publish

if TYPE_CHECKING:
    from keras_dl.runs.run import Run, prepare

__getattr__, __dir__ = lazy.attributes(__name__, {"run": ("Run", "prepare"), "space": ()})  # KerasTuner

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
