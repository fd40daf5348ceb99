"""Runs: folders, hyperparameter spaces, training from where it stands, model cards."""

from keras_dl.runs.config import refuse_changes, refuse_other_values, versions
from keras_dl.runs.folder import RunFolder
from keras_dl.runs.publish import publish
from keras_dl.runs.run import Run, prepare
from keras_dl.runs.space import Name

__all__ = [
    "Name",
    "Run",
    "RunFolder",
    "prepare",
    "publish",
    "refuse_changes",
    "refuse_other_values",
    "versions",
]
