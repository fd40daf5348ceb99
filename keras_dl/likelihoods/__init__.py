"""Likelihoods, a network's output tensor to a distribution over the data; priors; log-densities and dequantisation.

There is no autoregressive likelihood of pixels: `tfp.distributions.PixelCNN` is made of layers of `tf_keras`, whose
weights a Keras 3 model neither trains nor saves, and whose masks only optimizers of `tf_keras` apply
(findings/tfp_pixelcnn_unmasked.sh).
"""

from keras_dl.likelihoods.base import Likelihood
from keras_dl.likelihoods.bernoulli import Bernoulli
from keras_dl.likelihoods.categorical import Categorical
from keras_dl.likelihoods.dequantized import Dequantized
from keras_dl.likelihoods.discretized_logistic import DiscretizedLogistic
from keras_dl.likelihoods.gaussian import Gaussian
from keras_dl.likelihoods.log_density import LogDensity
from keras_dl.likelihoods.logistic_mixture import DiscretizedLogisticMixture
from keras_dl.likelihoods.mixture_priors import MixturePrior, NormalMixture
from keras_dl.likelihoods.priors import FixedMixture, LearnedNormal, Prior, StandardNormal
from keras_dl.likelihoods.registry import get
from keras_dl.likelihoods.vamp_prior import VampPrior

__all__ = [
    "Bernoulli",
    "Categorical",
    "Dequantized",
    "DiscretizedLogistic",
    "DiscretizedLogisticMixture",
    "FixedMixture",
    "Gaussian",
    "LearnedNormal",
    "Likelihood",
    "LogDensity",
    "MixturePrior",
    "NormalMixture",
    "Prior",
    "StandardNormal",
    "VampPrior",
    "get",
]
