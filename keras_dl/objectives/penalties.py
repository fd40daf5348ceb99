"""Penalties and constraints on a critic, and the bases of all penalties."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_dl.checks import check_number, refusal
from keras_dl.configurable import Configurable
from keras_dl.types import Tensor


class Penalty(Configurable):
    """Base class: a term added to the critic's loss, or a constraint on the critic's weights.

    A subclass writes `__call__`, or sets `constrains` and writes `constrain`, and stores its arguments under their
    names. See `GeneratorPenalty` for terms of the generator's loss.

    Attributes:
        acts_on: Whose loss or weights it acts on, `"critic"` or `"generator"`.
        couples_batch: Whether a sample's value depends on the others of its batch. The coupling is exact on one
            device; each of several replicas sees its own part of the batch.
        constrains: Whether this is a constraint: `constrain` is called, the penalty itself never.
    """

    acts_on: str = "critic"
    couples_batch: bool = False
    constrains: bool = False

    def __call__(self, critic: Callable, real: Tensor, fake: Tensor, draw: Any) -> Tensor:
        """Returns the weighted penalty per sample, to be added to the loss, shape `(batch,)`.

        Args:
            critic: Function from data to float32 scores of shape `(batch,)`.
            real: Data, float32.
            fake: As many generated samples.
            draw: The `keras_dl.models.base.Draw` that gives its noise.
        """
        raise NotImplementedError(f"{type(self).__name__} should define __call__(critic, real, fake, draw).")

    def constrain(self, variables: Sequence) -> None:
        """Changes the variables of the network that it acts on; called after each of its updates."""


class GeneratorPenalty(Penalty):
    """Base class: a term added to the generator's loss. It stands in the same list as a critic's penalties."""

    acts_on = "generator"

    def __call__(self, generator: Callable, latents: Tensor, fake: Tensor, draw: Any) -> Tensor:
        """Returns the weighted penalty per sample, to be added to the loss, shape `(batch,)`.

        Args:
            generator: Function from latents to float32 samples, at the batch's conditions.
            latents: Float32 latents, shape `(batch, latent_size)`.
            fake: What the generator makes of them.
            draw: The `keras_dl.models.base.Draw` that gives its noise.
        """
        raise NotImplementedError(f"{type(self).__name__} should define __call__(generator, latents, fake, draw).")


@keras.saving.register_keras_serializable(package="keras_dl")
class ConsistencyTerm(Penalty):
    r"""Consistency of a critic with dropout (Wei et al. 2018, "Improving the improved training of Wasserstein GANs").

    $$\lambda\,\mathbb{E}_x\big[\max\big(0,\; d(f(x'), f(x'')) + \alpha\,d(h(x'), h(x'')) - M\big)\big]$$

    where $x'$ and $x''$ are two passes of the same real sample under different dropout, $h$ is the last hidden layer
    (the input of the critic's layer named `score`), $d$ the mean squared difference. It comes beside a
    `GradientPenalty`. A critic without dropout makes it zero.

    Args:
        weight: $\lambda$.
        margin: $M$.
        feature_weight: $\alpha$; 0 if the critic has no layer named `score`.

    Example:

    >>> ConsistencyTerm().get_config()
    {'weight': 2.0, 'margin': 0.0, 'feature_weight': 0.1}
    """

    def __init__(self, weight: float = 2.0, margin: float = 0.0, feature_weight: float = 0.1):
        self.weight = check_number(weight, "weight", least=0)
        self.margin = check_number(margin, "margin", least=0)
        self.feature_weight = check_number(feature_weight, "feature_weight", least=0)

    def __call__(self, critic: Any, real: Tensor, fake: Tensor, draw: Any) -> Tensor:
        if not self.feature_weight:
            distance = tf.square(critic(real) - critic(real))
        else:
            (a, features_a), (b, features_b) = critic.with_features(real), critic.with_features(real)
            difference = tf.square(tf.cast(features_a, tf.float32) - tf.cast(features_b, tf.float32))
            axes = list(range(1, difference.shape.rank))
            distance = tf.square(a - b) + self.feature_weight * tf.reduce_mean(difference, axes)
        return self.weight * tf.nn.relu(distance - self.margin)


@keras.saving.register_keras_serializable(package="keras_dl")
class OutputVariance(Penalty):
    r"""The variance of the critic's outputs within the batch, over data and over generated samples.

    $$\tfrac\lambda2 \big(\mathrm{Var}_x[f(x)] + \mathrm{Var}_z[f(G(z))]\big)$$

    It bounds how far a Wasserstein critic can spread its outputs, a mild relative of the second-moment constraint of
    Mroueh & Sercu 2017, "Fisher GAN". The variances are those of the batch: exact on one device; each of several
    replicas sees its own rows.

    Args:
        weight: $\lambda$.

    Example:

    >>> import tensorflow as tf
    >>> x = tf.constant([[0.0], [2.0]])
    >>> values = OutputVariance(1.0)(lambda x: x[:, 0], x, 0.0 * x, None)
    >>> float(tf.reduce_mean(values))    # (1 + 0) / 2
    0.5
    """

    couples_batch = True

    def __init__(self, weight: float = 1.0):
        self.weight = check_number(weight, "weight", least=0)

    def __call__(self, critic: Callable, real: Tensor, fake: Tensor, draw: Any) -> Tensor:
        deviations = [scores - tf.reduce_mean(scores) for scores in (critic(real), critic(fake))]
        return 0.5 * self.weight * tf.add_n([tf.square(deviation) for deviation in deviations])


@keras.saving.register_keras_serializable(package="keras_dl")
class WeightClipping(Penalty):
    r"""Keeps every weight of the critic in $[-c, c]$ after each of its updates (Arjovsky et al. 2017, algorithm 1).

    Args:
        limit: $c$.

    Example:

    >>> weight = keras.Variable([-1.0, 0.005])
    >>> WeightClipping(0.01).constrain([weight])
    >>> weight.numpy().tolist() == np.float32([-0.01, 0.005]).tolist()
    True
    """

    constrains = True

    def __init__(self, limit: float = 0.01):
        self.limit = check_number(limit, "limit", least=0)
        if limit == 0:
            raise refusal("limit should be above 0", limit=limit)

    def constrain(self, variables: Sequence) -> None:
        for variable in variables:
            variable.assign(tf.clip_by_value(variable.value, -self.limit, self.limit))
