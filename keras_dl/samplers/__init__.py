"""Samplers: functions that lead noise back to data along a process, given a network's prediction."""

from keras_dl.samplers.dormand_prince import integrate
from keras_dl.samplers.likelihood import axes, log_likelihood
from keras_dl.samplers.multistep import dpm_solver
from keras_dl.samplers.ode import adaptive, euler, follow, heun
from keras_dl.samplers.registry import SAMPLERS, evaluations, get
from keras_dl.samplers.stochastic import ancestral, ddim, predictor_corrector

__all__ = [
    "SAMPLERS",
    "adaptive",
    "ancestral",
    "axes",
    "ddim",
    "dpm_solver",
    "euler",
    "evaluations",
    "follow",
    "get",
    "heun",
    "integrate",
    "log_likelihood",
    "predictor_corrector",
]
