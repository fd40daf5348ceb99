"""Penalties and constraints that keep a critic smooth.

A penalty is called with the critic (a function from data to float32 scores of shape `(batch,)`), real and generated
data, and the `draw` that gives its noise. It returns one value a sample, to be added to the critic's loss. Gradients
with respect to data are taken in float32, whatever the critic computes in, and without loss scaling.
"""

import keras
import tensorflow as tf

from keras_dl.checks import check_number
from keras_dl.configurable import Configurable


class Penalty(Configurable):
    """Base class: a term added to the critic's loss, or a constraint on the critic's weights.

    Attributes:
        couples_batch: Whether a sample's value depends on the others of its batch. The coupling is exact on one
            device; each of several replicas sees its own part of the batch.
        constrains: Whether this is a constraint: `constrain` is called, the penalty itself never.
    """

    couples_batch = False
    constrains = False

    def __call__(self, critic, real, fake, draw):
        """Returns the weighted penalty of every sample, shape `(batch,)`."""
        raise NotImplementedError(f"{type(self).__name__} should define __call__(critic, real, fake, draw).")

    def constrain(self, variables):
        """Changes the critic's variables; called after each of its updates."""


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

    def __init__(self, weight=10.0, target=1.0, one_sided=False):
        self.weight = check_number(weight, "weight", least=0)
        self.target = check_number(target, "target", least=0)
        if not isinstance(one_sided, bool):
            raise ValueError(f"`one_sided` must be True or False. Received: one_sided={one_sided!r}")
        self.one_sided = one_sided

    def __call__(self, critic, real, fake, draw):
        position = draw.uniform((1,) * (real.shape.rank - 1))
        return self.at(critic, real + position * (fake - real))

    def at(self, critic, x):
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

    def __init__(self, weight=10.0, target=1.0, noise=0.25, one_sided=False):
        super().__init__(weight, target, one_sided)
        self.noise = check_number(noise, "noise", least=0)

    def __call__(self, critic, real, fake, draw):
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

    def __init__(self, weight=10.0):
        self.weight = check_number(weight, "weight", least=0)

    def __call__(self, critic, real, fake, draw):
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

    def __call__(self, critic, real, fake, draw):
        return super().__call__(critic, fake, real, draw)


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
        feature_weight: $\alpha$; 0 where the critic has no layer named `score`.

    Example:

    >>> ConsistencyTerm().get_config()
    {'weight': 2.0, 'margin': 0.0, 'feature_weight': 0.1}
    """

    def __init__(self, weight=2.0, margin=0.0, feature_weight=0.1):
        self.weight = check_number(weight, "weight", least=0)
        self.margin = check_number(margin, "margin", least=0)
        self.feature_weight = check_number(feature_weight, "feature_weight", least=0)

    def __call__(self, critic, real, fake, draw):
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

    def __init__(self, weight=1.0):
        self.weight = check_number(weight, "weight", least=0)

    def __call__(self, critic, real, fake, draw):
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

    def __init__(self, limit=0.01):
        self.limit = check_number(limit, "limit", least=0)
        if limit == 0:
            raise ValueError(f"limit should be above 0. Received: limit={limit!r}")

    def constrain(self, variables):
        for variable in variables:
            variable.assign(tf.clip_by_value(variable.value, -self.limit, self.limit))
