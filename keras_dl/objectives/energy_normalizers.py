"""Objectives of energy models that compare data with noise, or with all of a grid."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_dl.checks import check_count, check_number, refusal
from keras_dl.objectives import quadrature
from keras_dl.objectives.energy import EnergyObjective
from keras_dl.types import Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class NoiseContrastive(EnergyObjective):
    r"""Noise-contrastive estimation (Gutmann & Hyvärinen 2010), which learns $\log Z$ too.

    A logistic regression tells data from $\nu$ samples $y_i$ of the reference $q$, with the logit
    $G(x) = -E(x) - \log Z - \log q(x) - \log \nu$:

    $$-\log \sigma(G(x)) - \sum_{i=1}^{\nu} \log \sigma(-G(y_i))$$

    Args:
        ratio: $\nu$, samples of the reference per sample of data.

    Example:

    >>> NoiseContrastive(4)
    NoiseContrastive(ratio=4)
    """

    normalizes = True

    def __init__(self, ratio: int = 1):
        self.ratio = check_count(ratio, "ratio")

    def __call__(
        self,
        energy: Callable,
        x: Tensor,
        draw: Any,
        negatives: Tensor | None = None,
        reference: Any = None,
        log_normalizer: Tensor | None = None,
    ) -> tuple[Tensor, dict]:
        y = reference.sample(draw, self.ratio)
        everything = tf.concat([x, tf.reshape(y, tf.concat([[-1], tf.shape(x)[1:]], 0))], 0)
        energies = energy(everything)
        logits = -energies - log_normalizer - reference.log_prob(everything) - math.log(self.ratio)
        rows = tf.shape(x)[0]
        of_noise = tf.reshape(logits[rows:], [rows, self.ratio])
        values = tf.nn.softplus(-logits[:rows]) + tf.reduce_sum(tf.nn.softplus(of_noise), -1)
        return values, {"energy": energies[:rows]}


@keras.saving.register_keras_serializable(package="keras_dl")
class ConditionalNoiseContrastive(EnergyObjective):
    r"""Conditional noise-contrastive estimation (Ceylan & Gutmann 2018): the noise is the data, moved a little.

    $$\frac{2}{\kappa} \sum_{i=1}^{\kappa} \log\left(1 + e^{E(x) - E(y_i)}\right),
    \qquad y_i = x + \sigma \epsilon_i$$

    As the noise is symmetric, $\log Z$ cancels and need not be learned. The scale is that of what the energies are
    compared over: with one below the distance of modes, nothing says how much each of them weighs.

    Args:
        scale: $\sigma$.
        ratio: $\kappa$, samples of noise per sample of data.

    Example:

    >>> ConditionalNoiseContrastive(0.2)
    ConditionalNoiseContrastive(scale=0.2)
    """

    def __init__(self, scale: float = 0.1, ratio: int = 1):
        self.scale = check_number(scale, "scale", above=0)
        self.ratio = check_count(ratio, "ratio")

    def __call__(
        self,
        energy: Callable,
        x: Tensor,
        draw: Any,
        negatives: Tensor | None = None,
        reference: Any = None,
        log_normalizer: Tensor | None = None,
    ) -> tuple[Tensor, dict]:
        y = x[:, None] + self.scale * draw.normal((self.ratio, *x.shape[1:]))
        everything = tf.concat([x, tf.reshape(y, tf.concat([[-1], tf.shape(x)[1:]], 0))], 0)
        energies, rows = energy(everything), tf.shape(x)[0]
        of_data, of_noise = energies[:rows], tf.reshape(energies[rows:], [rows, self.ratio])
        return 2.0 * tf.reduce_mean(tf.nn.softplus(of_data[:, None] - of_noise), -1), {"energy": of_data}


@keras.saving.register_keras_serializable(package="keras_dl")
class GridLikelihood(EnergyObjective):
    r"""Maximum likelihood in one or two dimensions: $E(x) + \log Z$, with $Z$ by the midpoint rule over a box.

    In training the nodes are moved at random, by up to half a cell and all alike, in every step: between nodes that
    stay, a flexible energy finds room for a density that $Z$ does not see.

    Args:
        bounds: `(low, high)` of every axis, in which all data lie.
        points: Number of cells per axis.

    Example:

    >>> GridLikelihood((-4.0, 4.0), points=100)
    GridLikelihood(bounds=(-4.0, 4.0), points=100)
    """

    most = 2

    def __init__(self, bounds: Sequence[float], points: int = 128):
        if not (isinstance(bounds, (list, tuple)) and len(bounds) == 2):
            raise refusal("`bounds` should be (low, high), two numbers", bounds=bounds, error=TypeError)
        low, high = (check_number(number, "bounds") for number in bounds)
        if low >= high:
            raise refusal("`bounds` should be (low, high) with low < high", bounds=bounds)
        self.bounds = float(low), float(high)
        self.points = check_count(points, "points")

    def __call__(
        self,
        energy: Callable,
        x: Tensor,
        draw: Any,
        negatives: Tensor | None = None,
        reference: Any = None,
        log_normalizer: Tensor | None = None,
    ) -> tuple[Tensor, dict]:
        of_data, size = energy(x), math.prod(x.shape[1:])
        shift = draw.whole().uniform((size,), -0.5, 0.5)[0] if draw.training else 0.0
        log_z = quadrature.log_integral(energy, self.bounds, self.points, size, shift)
        return of_data + log_z, {"energy": of_data}
