"""Hyperparameter search with KerasTuner: recipes as hypermodels, and objectives that know their direction."""

from keras_dl.runtime.tuning.objectives import objective
from keras_dl.runtime.tuning.recipe import Recipe, hypermodel
from keras_dl.runtime.tuning.space import differences, is_fixed

__all__ = ["Recipe", "differences", "hypermodel", "is_fixed", "objective"]
