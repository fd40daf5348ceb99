"""Runs: folders, hyperparameter spaces, training from where it stands, model cards."""

from keras_dl.runs.config import refuse_changes, refuse_other_values
from keras_dl.runs.folder import RunFolder
from keras_dl.runs.lock import locked
from keras_dl.runs.publication import publish
from keras_dl.runs.run import Run, prepare
from keras_dl.runs.space import Name
from keras_dl.runtime.describe import versions

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
