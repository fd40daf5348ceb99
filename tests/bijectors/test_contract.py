"""Every bijector keeps the contract of bijectors."""

import functools

import keras
import numpy as np
import pytest

from keras_dl import bijectors
from keras_dl.testing import check_bijector

DENSE = {"hidden": (8,)}


def unit(x):
    """Real numbers to the open unit interval."""
    return 0.02 + 0.96 / (1.0 + np.exp(-np.clip(x, -5, 5)))


def network_of_ones_own(**options):
    network = keras.Sequential([keras.layers.Dense(5, "tanh"), keras.layers.Dense(4, "tanh")])
    return bijectors.AffineCoupling(network=network, **options)


def chain(**options):
    steps = [
        bijectors.ActNorm(**options),
        bijectors.SplineCoupling(num_bins=4, **DENSE, **options),
        bijectors.Permute("random", seed=3, **options),
        bijectors.AffineCoupling(**DENSE, **options),
    ]
    return bijectors.Chain(steps, **options)


def glow(**options):
    inner = [bijectors.Squeeze(**options), bijectors.InvertibleLinear(**options)]
    inner.append(bijectors.AffineCoupling("sigmoid", hidden=(4,), **options))
    inner = bijectors.Split(bijectors.Chain(inner, **options), **options)
    return bijectors.Chain([bijectors.Squeeze(**options), bijectors.ActNorm(**options), inner], **options)


def batch_norm(**options):
    return bijectors.BatchNorm(**options)


def tfp_shift(**options):
    values = {"shift": [1.0, 2.0, -1.0], "scale_diag": [0.5, 2.0, 1.0]}
    return bijectors.TFP("Shift", {"shift": values["shift"]}, ("shift",), **options)


def tfp_triangle(**options):
    triangle = [[1.0, 0.0, 0.0], [0.5, 2.0, 0.0], [0.1, 0.2, 0.5]]
    return bijectors.TFP("ScaleMatvecTriL", {"scale_tril": triangle}, ("scale_tril",), **options)


def of(bijector, *arguments, **own):
    return functools.partial(bijector, *arguments, **own)


MAF = of(bijectors.Autoregressive, **DENSE)
SPLINES = of(bijectors.Autoregressive, bijectors.SplineTransform(num_bins=4), **DENSE)
SMALL = {"spread": 0.02}  # weights of which 30-fold inputs make no slope so flat that digits are lost
IMAGE = {"mask": "checkerboard", "hidden": (4,)}
# name -> (function that makes it, shape of a sample, further arguments of the contract)
CASES = {
    "affine": (of(bijectors.AffineCoupling, **DENSE), (5,), {}),
    "affine, swapped": (of(bijectors.AffineCoupling, swap=True, **DENSE), (5,), {}),
    "affine, condition": (of(bijectors.AffineCoupling, **DENSE), (3,), {"conditional": True}),
    "affine, checkerboard": (of(bijectors.AffineCoupling, mask="checkerboard", **DENSE), (5,), {}),
    "affine, own network": (network_of_ones_own, (4,), {"conditional": True}),
    "sigmoid": (of(bijectors.AffineCoupling, "sigmoid", **DENSE), (4,), {}),
    "additive": (of(bijectors.AffineCoupling, "none", **DENSE), (4,), {}),
    "images, checkerboard": (of(bijectors.AffineCoupling, **IMAGE), (4, 4, 1), {"rows": 200, "conditional": True}),
    "images, swapped": (of(bijectors.SplineCoupling, 4, swap=True, **IMAGE), (3, 4, 2), {"rows": 200, **SMALL}),
    "images, channel": (of(bijectors.AffineCoupling, mask="channel", hidden=(4,)), (2, 2, 3), {"rows": 200}),
    "spline": (of(bijectors.SplineCoupling, **DENSE), (4,), SMALL),
    "spline, odd": (of(bijectors.SplineCoupling, 5, 2.0, **DENSE), (3,), {"conditional": True, **SMALL}),
    "MAF": (MAF, (4,), {"conditional": True}),
    "MAF, reversed": (of(bijectors.Autoregressive, reverse=True, **DENSE), (2, 2), {}),
    "MAF, one value": (MAF, (1,), {}),
    "MAF, splines": (SPLINES, (3,), SMALL),
    "IAF": (lambda **options: bijectors.Inverse(MAF(**options), **options), (3,), {}),
    "linear": (bijectors.InvertibleLinear, (6,), {}),
    "linear, images": (bijectors.InvertibleLinear, (2, 3, 3), {}),
    "permutation": (of(bijectors.Permute, "random"), (5,), {}),
    "reverse": (bijectors.Permute, (2, 2, 3), {}),
    "actnorm": (bijectors.ActNorm, (2, 2, 3), {}),
    "batch norm": (batch_norm, (3,), {}),
    "squeeze": (bijectors.Squeeze, (4, 2, 3), {}),
    "flatten": (bijectors.Flatten, (2, 3), {}),
    "split": (lambda **options: bijectors.Split(bijectors.ActNorm(**options), **DENSE, **options), (5,), {}),
    "logit": (bijectors.Logit, (3,), {"domain": unit}),
    "tfp, shift": (tfp_shift, (3,), {}),
    "tfp, triangle": (tfp_triangle, (3,), {}),
    "planar": (bijectors.Planar, (3,), {}),
    "radial": (bijectors.Radial, (3,), {}),
    "chain": (chain, (4,), SMALL),
    "glow": (glow, (4, 4, 2), {"rows": 200}),
}


@pytest.mark.grid("affine, condition", "images, checkerboard", "spline", "MAF", "linear, images", "actnorm", "planar")
@pytest.mark.parametrize("name", CASES)
def test_contract(name):
    make_bijector, shape, options = CASES[name]
    check_bijector(make_bijector, shape, **options)
