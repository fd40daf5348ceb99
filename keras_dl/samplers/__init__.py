"""Samplers: functions that lead noise back to data along a process, and Markov chains of an energy."""

from keras_dl.samplers.annealed_importance import LogRatio, annealed_importance, log_mean_weight
from keras_dl.samplers.chains import Chains, MarkovChain, Noise, energies, energies_and_slopes
from keras_dl.samplers.checkpointed import integrate_checkpointed
from keras_dl.samplers.dormand_prince import integrate
from keras_dl.samplers.langevin import AnnealedLangevin, Langevin
from keras_dl.samplers.likelihood import (
    axes,
    log_likelihood,
    log_normal,
    velocity_and_divergences,
    velocity_and_products,
)
from keras_dl.samplers.metropolis import HMC, MALA
from keras_dl.samplers.multistep import dpm_solver
from keras_dl.samplers.ode import adaptive, euler, follow, heun
from keras_dl.samplers.registry import DETERMINISTIC, NOT_OF_VELOCITY, SAMPLERS, evaluations, get
from keras_dl.samplers.stochastic import ancestral, ddim, predictor_corrector

__all__ = [
    "HMC",
    "MALA",
    "DETERMINISTIC",
    "NOT_OF_VELOCITY",
    "SAMPLERS",
    "AnnealedLangevin",
    "Chains",
    "Langevin",
    "LogRatio",
    "MarkovChain",
    "Noise",
    "adaptive",
    "ancestral",
    "annealed_importance",
    "axes",
    "ddim",
    "dpm_solver",
    "energies",
    "energies_and_slopes",
    "euler",
    "evaluations",
    "follow",
    "get",
    "heun",
    "integrate",
    "integrate_checkpointed",
    "log_likelihood",
    "log_mean_weight",
    "log_normal",
    "predictor_corrector",
    "velocity_and_divergences",
    "velocity_and_products",
]
