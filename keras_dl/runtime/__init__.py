"""Meeting place of models and machines: export, checkpoints, strategies, tuning."""

from typing import TYPE_CHECKING

from keras_dl import lazy
from keras_dl.models.base.replicas import LostWorkerError
from keras_dl.runtime.checkpoint import Checkpoint, latest, load_latest, restore
from keras_dl.runtime.describe import describe, differences
from keras_dl.runtime.export import export
from keras_dl.runtime.strategy import is_chief, strategy

if TYPE_CHECKING:
    from keras_dl.runtime.tuning import hypermodel, objective

__getattr__, __dir__ = lazy.attributes(__name__, {"tuning": ("hypermodel", "objective")})  # KerasTuner

__all__ = [
    "Checkpoint",
    "LostWorkerError",
    "describe",
    "differences",
    "export",
    "hypermodel",
    "is_chief",
    "latest",
    "load_latest",
    "objective",
    "restore",
    "strategy",
]
