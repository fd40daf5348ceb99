"""Penalties on a critic's gradients with respect to data.

Gradients are taken in float32, whatever the critic computes in, and without loss scaling.
"""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from keras_dl.checks import check_flag, check_number
from keras_dl.objectives.penalties import Penalty
from keras_dl.types import Tensor


def input_gradients(critic, x):
    """Returns the gradients $\\nabla_x f(x)$ of a critic at every sample, float32, of the shape of `x`.

    The gradient of the summed scores is each sample's own as long as no layer of the critic mixes samples, as batch
    normalization does.
    """
    x = tf.cast(x, tf.float32)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        total = tf.reduce_sum(critic(x))
    return tape.gradient(total, x)


def squared_norms(x):
    """Squared Euclidean norm of every sample, shape `(batch,)`."""
    return tf.reduce_sum(tf.square(x), axis=list(range(1, x.shape.rank)))


def norms(x):
    """Euclidean norm of every sample, shape `(batch,)`, with a finite gradient (of 0) at 0."""
    return tf.sqrt(squared_norms(x) + 1e-12)


@keras.saving.register_keras_serializable(package="keras_dl")
class GradientPenalty(Penalty):
    r"""Gradient penalty (Gulrajani et al. 2017, "Improved training of Wasserstein GANs", equation 3).

    $$\lambda\,\mathbb{E}\big[(\|\nabla_{\hat x} f(\hat x)\|_2 - k)^2\big], \qquad
      \hat x = x + \epsilon\,(G(z) - x), \quad \epsilon \sim U(0, 1)$$

    at one random point of the line between each real sample and a generated one.

    Args:
        weight: $\lambda$.
        target: $k$, the norm wanted.
        one_sided: Whether only norms above the target are charged, $\max(0, \|\cdot\| - k)^2$.

    Example:

    >>> import tensorflow as tf
    >>> values = GradientPenalty(10.0).at(lambda x: 3.0 * x[:, 0], tf.zeros((2, 5)))
    >>> [round(float(v), 3) for v in values]    # 10 (3 - 1)^2
    [40.0, 40.0]
    """

    def __init__(self, weight: float = 10.0, target: float = 1.0, one_sided: bool = False):
        self.weight = check_number(weight, "weight", least=0)
        self.target = check_number(target, "target", least=0)
        self.one_sided = check_flag(one_sided, "one_sided")

    def __call__(self, critic: Callable, real: Tensor, fake: Tensor, draw: Any) -> Tensor:
        position = draw.uniform((1,) * (real.shape.rank - 1))
        return self.at(critic, real + position * (fake - real))

    def at(self, critic: Callable, x: Tensor) -> Tensor:
        """Returns the penalty of the critic's gradients at given points `x`, shape `(batch,)`."""
        excess = norms(input_gradients(critic, x)) - self.target
        return self.weight * tf.square(tf.nn.relu(excess) if self.one_sided else excess)


@keras.saving.register_keras_serializable(package="keras_dl")
class Dragan(GradientPenalty):
    r"""Gradient penalty around the data (Kodali et al. 2017, "On convergence and stability of GANs").

    $$\lambda\,\mathbb{E}\big[(\|\nabla_x f(x + \delta)\|_2 - k)^2\big], \qquad \delta \sim \mathcal{N}(0, c^2 I)$$

    Args:
        weight: $\lambda$.
        target: $k$.
        noise: $c$, in units of the data (for images in [0, 1] 0.1 to 0.5).
        one_sided: See `GradientPenalty`.

    Example:

    >>> Dragan(noise=0.2).get_config()
    {'weight': 10.0, 'target': 1.0, 'noise': 0.2, 'one_sided': False}
    """

    def __init__(self, weight: float = 10.0, target: float = 1.0, noise: float = 0.25, one_sided: bool = False):
        super().__init__(weight, target, one_sided)
        self.noise = check_number(noise, "noise", least=0)

    def __call__(self, critic: Callable, real: Tensor, fake: Tensor, draw: Any) -> Tensor:
        return self.at(critic, real + self.noise * draw.normal(tuple(real.shape[1:])))


@keras.saving.register_keras_serializable(package="keras_dl")
class R1(Penalty):
    r"""Squared gradients at real data, $\tfrac\gamma2 \mathbb{E}_x\big[\|\nabla f(x)\|^2\big]$ (Mescheder et al. 2018,
    "Which training methods for GANs do actually converge?", equation 9).

    Args:
        weight: $\gamma$.

    Example:

    >>> import tensorflow as tf
    >>> float(R1(10.0)(lambda x: 3.0 * x[:, 0], tf.zeros((1, 2)), None, None)[0])
    45.0
    """

    def __init__(self, weight: float = 10.0):
        self.weight = check_number(weight, "weight", least=0)

    def __call__(self, critic: Callable, real: Tensor, fake: Tensor, draw: Any) -> Tensor:
        return 0.5 * self.weight * squared_norms(input_gradients(critic, real))


@keras.saving.register_keras_serializable(package="keras_dl")
class R2(R1):
    r"""Squared gradients at generated samples, $\tfrac\gamma2 \mathbb{E}_z\big[\|\nabla f(G(z))\|^2\big]$ (Mescheder
    et al. 2018, equation 10).

    Args:
        weight: $\gamma$.

    Example:

    >>> R2(1.0).get_config()
    {'weight': 1.0}
    """

    def __call__(self, critic: Callable, real: Tensor, fake: Tensor, draw: Any) -> Tensor:
        return super().__call__(critic, fake, real, draw)
