"""Objectives of energy models: what makes energies low where data are, and high elsewhere."""

import math
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from keras_dl.checks import check_count, check_number
from keras_dl.configurable import Configurable
from keras_dl.objectives.derivatives import gradient, laplacian
from keras_dl.types import Tensor


class EnergyObjective(Configurable):
    r"""Base class: a loss of an energy $E$ whose density is $e^{-E(x)} / Z$.

    A subclass writes `__call__`.

    Attributes:
        chains: Where the chains begin whose ends it contrasts with data: `"data"`, `"buffer"`, or `None` for none.
        normalizes: Whether it learns $\log Z$.
        most: Number of values per sample up to which it takes data; `None` for any.
        last_steps: Steps of the chains through which gradients flow.
    """

    chains: str | None = None
    normalizes: bool = False
    most: int | None = None
    last_steps: int = 0

    def __call__(
        self,
        energy: Callable,
        x: Tensor,
        draw: Any,
        negatives: Tensor | None = None,
        reference: Any = None,
        log_normalizer: Tensor | None = None,
    ) -> tuple[Tensor, dict]:
        """Returns the loss per sample, shape `(batch,)`, and the energies that it has seen, a dict of such vectors.

        Args:
            energy: Function from samples to float32 energies, shape `(rows,)`.
            x: Data, float32.
            draw: The `keras_dl.models.base.Draw` that gives the noise.
            negatives: As many samples at the ends of chains, where it has some.
            reference: A density with `sample(draw, count)` and `log_prob(x)`, of about the data's place and scale.
            log_normalizer: The learned $\\log Z$, a scalar.
        """
        raise NotImplementedError(f"{type(self).__name__} should define __call__(energy, x, draw, ...).")


@keras.saving.register_keras_serializable(package="keras_dl")
class ContrastiveDivergence(EnergyObjective):
    r"""Contrastive divergence (Hinton 2002): chains begin at the data, and run for the sampler's $k$ steps.

    $$E(x) - E(x^-) + \alpha \left(E(x)^2 + E(x^-)^2\right)$$

    whose gradient is that of $-\log p(x)$ once the chains have reached the model's density. No gradient flows through
    the chains. The loss itself says nothing of the quality of a model; it falls and rises around 0.

    Args:
        energy_penalty: $\alpha$, which keeps energies small (Du & Mordatch 2019).

    Example:

    >>> ContrastiveDivergence(0.1)
    ContrastiveDivergence(energy_penalty=0.1)
    """

    chains = "data"

    def __init__(self, energy_penalty: float = 0.0):
        self.energy_penalty = check_number(energy_penalty, "energy_penalty", least=0)

    def __call__(
        self,
        energy: Callable,
        x: Tensor,
        draw: Any,
        negatives: Tensor | None = None,
        reference: Any = None,
        log_normalizer: Tensor | None = None,
    ) -> tuple[Tensor, dict]:
        of_data, of_samples = tf.split(energy(tf.concat([x, negatives], 0)), 2)
        squares = tf.square(of_data) + tf.square(of_samples)
        values = of_data - of_samples + self.energy_penalty * squares
        return values, {"energy": of_data, "sample_energy": of_samples}


@keras.saving.register_keras_serializable(package="keras_dl")
class PersistentContrastiveDivergence(ContrastiveDivergence):
    r"""Persistent contrastive divergence (Tieleman 2008): chains go on where they stopped, out of a replay buffer.

    The loss is that of `ContrastiveDivergence`. Each row takes another slot of the buffer, or, with a small
    probability, begins anew from the reference (Du & Mordatch 2019).

    Args:
        capacity: Number of samples in the buffer, at least the size of a batch.
        restart: Probability with which a chain begins anew.
        energy_penalty: As for `ContrastiveDivergence`.

    Example:

    >>> PersistentContrastiveDivergence(1000, restart=0.01)
    PersistentContrastiveDivergence(capacity=1000, restart=0.01)
    """

    chains = "buffer"

    def __init__(self, capacity: int = 10_000, restart: float = 0.05, energy_penalty: float = 0.0):
        super().__init__(energy_penalty)
        self.capacity = check_count(capacity, "capacity")
        self.restart = check_number(restart, "restart", least=0, most=1)


@keras.saving.register_keras_serializable(package="keras_dl")
class ScoreMatching(EnergyObjective):
    r"""Score matching (Hyvärinen 2005), with the exact Laplacian: for few values per sample.

    $$\tfrac12 |\nabla E(x)|^2 - \Delta E(x)$$

    The energy should be smooth: a rectifier's second derivative is 0. `num_slices` estimates
    $\Delta E \approx \tfrac1m \sum_i v_i^T \nabla^2 E\, v_i$ along random signs $v_i$ (Song et al. 2019, "Sliced score
    matching", with reduced variance), for data of any size.

    Args:
        num_slices: $m$; `None` for the exact Laplacian.

    Example: of a standard normal the expectation is -d / 2.

    >>> values, _ = ScoreMatching()(lambda x: 0.5 * tf.reduce_sum(x**2, -1), tf.ones([1, 2]), None)
    >>> values.numpy().tolist()
    [-1.0]
    """

    def __init__(self, num_slices: int | None = None):
        self.num_slices = None if num_slices is None else check_count(num_slices, "num_slices")

    def __call__(
        self,
        energy: Callable,
        x: Tensor,
        draw: Any,
        negatives: Tensor | None = None,
        reference: Any = None,
        log_normalizer: Tensor | None = None,
    ) -> tuple[Tensor, dict]:
        shape, flat = tf.shape(x), tf.reshape(x, [-1, math.prod(x.shape[1:])])

        def flat_energy(flat):
            return energy(tf.reshape(flat, shape))

        slope = gradient(flat_energy, flat)
        if self.num_slices is None:
            curvature = laplacian(flat_energy, flat)
        else:
            curvature = tf.add_n([self._slice(flat_energy, flat, draw) for _ in range(self.num_slices)])
            curvature /= self.num_slices
        energies = energy(x)  # times 0, so that the last bias, which slopes do not see, has a gradient
        return 0.5 * tf.reduce_sum(tf.square(slope), -1) - curvature + 0.0 * energies, {"energy": energies}

    @staticmethod
    def _slice(energy, x, draw):
        direction = 2.0 * tf.cast(draw.integers((x.shape[1],)), tf.float32) - 1.0
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            along = tf.reduce_sum(gradient(energy, x) * direction)
        product = tape.gradient(along, x, unconnected_gradients="zero")
        return tf.reduce_sum(product * direction, -1)


@keras.saving.register_keras_serializable(package="keras_dl")
class DenoisingScoreMatching(EnergyObjective):
    r"""Denoising score matching (Vincent 2011): the score of data with noise, by least squares.

    $$\tfrac12 \left|\sigma \nabla E(x + \sigma \epsilon) - \epsilon\right|^2, \qquad \epsilon \sim \mathcal{N}(0, I)$$

    The optimum is the density of $x + \sigma \epsilon$: with data of variance $v$, a Gaussian of variance
    $v + \sigma^2$.

    Args:
        scale: $\sigma$.

    Example:

    >>> DenoisingScoreMatching(0.1)
    DenoisingScoreMatching(scale=0.1)
    """

    def __init__(self, scale: float = 0.1):
        self.scale = check_number(scale, "scale", above=0)

    def __call__(
        self,
        energy: Callable,
        x: Tensor,
        draw: Any,
        negatives: Tensor | None = None,
        reference: Any = None,
        log_normalizer: Tensor | None = None,
    ) -> tuple[Tensor, dict]:
        shape = tuple(x.shape[1:])
        noise = tf.reshape(draw.normal(shape), [-1, math.prod(shape)])
        noisy = tf.reshape(x, [-1, math.prod(shape)]) + self.scale * noise
        slope, energies = gradient(lambda flat: energy(tf.reshape(flat, tf.shape(x))), noisy), energy(x)
        return 0.5 * tf.reduce_sum(tf.square(self.scale * slope - noise), -1) + 0.0 * energies, {"energy": energies}
