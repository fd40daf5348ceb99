"""Where models meet machines: export, checkpoints, strategies, tuning."""

from keras_dl.models.base.replicas import LostWorkerError
from keras_dl.runtime.checkpoint import Checkpoint, latest, load_latest, restore
from keras_dl.runtime.export import export
from keras_dl.runtime.strategy import is_chief, strategy

__all__ = ["Checkpoint", "LostWorkerError", "export", "is_chief", "latest", "load_latest", "restore", "strategy"]
