"""Invertible maps: Keras layers with `forward_and_log_det`, from data to latents, and its inverse.

`help(keras_dl.bijectors.Bijector)` states the contract once; `keras_dl.testing.check_bijector` checks it.
"""

from keras_dl.bijectors.autoregressive import Autoregressive
from keras_dl.bijectors.base import Bijector
from keras_dl.bijectors.chain import Chain, Inverse
from keras_dl.bijectors.coupling import AffineCoupling, Coupling, SplineCoupling
from keras_dl.bijectors.linear import InvertibleLinear, Permute
from keras_dl.bijectors.logit import Logit
from keras_dl.bijectors.made import MADE
from keras_dl.bijectors.normalization import ActNorm, BatchNorm
from keras_dl.bijectors.one_way import Planar, Radial
from keras_dl.bijectors.shapes import Flatten, Split, Squeeze
from keras_dl.bijectors.tfp import TFP
from keras_dl.bijectors.transforms import AffineTransform, SplineTransform, Transform

__all__ = [
    "MADE",
    "TFP",
    "ActNorm",
    "AffineTransform",
    "AffineCoupling",
    "Autoregressive",
    "BatchNorm",
    "Bijector",
    "Chain",
    "Coupling",
    "Flatten",
    "Inverse",
    "InvertibleLinear",
    "Logit",
    "Permute",
    "Planar",
    "Radial",
    "SplineTransform",
    "SplineCoupling",
    "Split",
    "Squeeze",
    "Transform",
]
