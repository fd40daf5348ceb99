"""Face of the base for authors of model families: updates, noise, signatures and the model that runs them."""

from keras_dl.models.base.averages import HalfLife
from keras_dl.models.base.buffers import Rows, SampleBuffer
from keras_dl.models.base.carried import Carried, moving
from keras_dl.models.base.noise import Draw
from keras_dl.models.base.objective_model import ObjectiveModel
from keras_dl.models.base.phases import Phase
from keras_dl.models.base.replicas import gather_rows, mean_and_variance
from keras_dl.models.base.signature import Signature, fresh_seed, predict_signature
from keras_dl.models.base.update import Update

__all__ = [
    "Carried",
    "Draw",
    "HalfLife",
    "ObjectiveModel",
    "Phase",
    "Rows",
    "SampleBuffer",
    "Signature",
    "Update",
    "fresh_seed",
    "gather_rows",
    "mean_and_variance",
    "moving",
    "predict_signature",
]
