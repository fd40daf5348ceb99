"""Penalties on a generator."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from keras_dl.checks import check_number
from keras_dl.objectives.gradient_penalties import norms
from keras_dl.objectives.penalties import GeneratorPenalty
from keras_dl.types import Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class JacobianClamping(GeneratorPenalty):
    r"""Jacobian clamping (Odena et al. 2018, "Is generator conditioning causally related to GAN performance?",
    algorithm 1).

    $$\lambda\,\mathbb{E}_z\big[\max(0, Q - Q_\text{max})^2 + \max(0, Q_\text{min} - Q)^2\big], \qquad
      Q = \frac{\|G(z + \delta) - G(z)\|}{\|\delta\|}, \quad \|\delta\| = \epsilon$$

    in a random direction $\delta$ per latent vector: the generator is to follow its latents neither too much nor, if
    it collapses, too little.

    Args:
        weight: $\lambda$.
        smallest: $Q_\text{min}$, in units of the data per unit of a latent.
        largest: $Q_\text{max}$, in the same units.
        step: $\epsilon$, the length of $\delta$.

    Raises:
        ValueError: If an argument is out of range, or `smallest` above `largest`.

    Example:

    >>> import tensorflow as tf
    >>> from keras_dl.models.base import Draw
    >>> z = tf.zeros((1, 2))
    >>> value = JacobianClamping(largest=2.0)(lambda z: 5.0 * z, z, 5.0 * z, Draw(0, 0, 0, 1))
    >>> round(float(value[0]), 3)    # (5 - 2)^2
    9.0
    """

    def __init__(self, weight: float = 1.0, smallest: float = 1.0, largest: float = 20.0, step: float = 1.0):
        self.weight = check_number(weight, "weight", least=0)
        self.smallest = check_number(smallest, "smallest", least=0)
        self.largest = check_number(largest, "largest", least=smallest)
        self.step = check_number(step, "step", above=0)

    def __call__(self, generator: Callable, latents: Tensor, fake: Tensor, draw: Any) -> Tensor:
        direction = draw.normal(tuple(latents.shape[1:]))
        offset = self.step * direction / norms(direction)[:, None]
        ratio = norms(generator(latents + offset) - fake) / self.step
        excess, lack = tf.nn.relu(ratio - self.largest), tf.nn.relu(self.smallest - ratio)
        return self.weight * (tf.square(excess) + tf.square(lack))
