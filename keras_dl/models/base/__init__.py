"""Face of the base for authors of model families: updates, noise, signatures and the model that runs them."""

from keras_dl.models.base.noise import Draw
from keras_dl.models.base.objective_model import ObjectiveModel
from keras_dl.models.base.signature import Signature, fresh_seed, predict_signature
from keras_dl.models.base.update import Update

__all__ = ["Draw", "ObjectiveModel", "Signature", "Update", "fresh_seed", "predict_signature"]
