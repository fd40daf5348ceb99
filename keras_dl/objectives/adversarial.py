"""The adversarial game's losses: what critic and generator minimise, given the critic's outputs."""

import keras
import tensorflow as tf

from keras_dl.checks import check_number, refusal
from keras_dl.configurable import Configurable
from keras_dl.types import Tensor


class Adversarial(Configurable):
    """Base class of adversarial objectives: one loss per sample for the critic, and one for the generator.

    Both take the critic's outputs, float32 of shape `(batch,)`: `real` for data, `fake` for generated samples.

    Attributes:
        logits: Whether the critic's outputs are logits, of a sample being real.
        couples_batch: Whether a sample's loss depends on the others of its batch. The coupling is exact on one
            device; each of several replicas sees its own part of the batch.
        generator_sees_real: Whether the generator's loss depends on `real`.
    """

    logits = False
    couples_batch = False
    generator_sees_real = False

    def critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """Returns the critic's loss of every pair, shape `(batch,)`."""
        raise NotImplementedError(f"{type(self).__name__} should define critic_loss(real, fake).")

    def generator_loss(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """Returns the generator's loss of every generated sample, shape `(batch,)`."""
        raise NotImplementedError(f"{type(self).__name__} should define generator_loss(fake, real).")


@keras.saving.register_keras_serializable(package="keras_dl")
class Minimax(Adversarial):
    r"""The saturating game of Goodfellow et al. 2014, "Generative adversarial nets", equation 1, with $D = \sigma(f)$.

    $$\min_G \max_D V(D, G) = \mathbb{E}_{x \sim p_\text{data}}[\log D(x)] + \mathbb{E}_{z}[\log(1 - D(G(z)))]$$

    The critic minimises $-V$, in nats. For the optimal critic $D^* = p_\text{data} / (p_\text{data} + p_g)$,
    $V = 2\,\mathrm{JS}(p_\text{data} \| p_g) - 2 \log 2$. The generator minimises $\log(1 - D(G(z)))$, whose gradient
    $-\sigma(f)$ vanishes where the critic is sure of a fake ($f \to -\infty$): see `NonSaturating`.

    Args:
        label_smoothing: $s$, one-sided: the label of real samples becomes $1 - s$ (Salimans et al. 2016, "Improved
            techniques for training GANs").

    Raises:
        ValueError: If `label_smoothing` is not at least 0 and below 1.

    Example:

    >>> loss = keras_dl.objectives.Minimax().critic_loss(real=np.zeros(1, "float32"), fake=np.zeros(1, "float32"))
    >>> round(float(loss[0]), 4)    # 2 log 2: the critic cannot tell
    1.3863
    """

    logits = True

    def __init__(self, label_smoothing: float = 0.0):
        self.label_smoothing = check_number(label_smoothing, "label_smoothing", least=0, below=1)

    def critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        # -(1 - s) log sigma(r) - s log(1 - sigma(r)) = softplus(-r) + s r
        return tf.nn.softplus(-real) + self.label_smoothing * real + tf.nn.softplus(fake)

    def generator_loss(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return -tf.nn.softplus(fake)


@keras.saving.register_keras_serializable(package="keras_dl")
class NonSaturating(Minimax):
    r"""The critic of `Minimax`, and a generator that minimises $-\log D(G(z))$ (Goodfellow et al. 2014, section 3).

    The gradient $-(1 - \sigma(f))$ is largest where the critic is sure of a fake. For the optimal critic
    $\mathbb{E}_{p_g}[-\log D^*] - \log 2$ is the f-divergence $D_f(p_\text{data} \| p_g)$ with
    $f(t) = \log(1 + 1/t) - \log 2$.

    Args:
        label_smoothing: One-sided label smoothing; see `Minimax`.

    Example:

    >>> loss = keras_dl.objectives.NonSaturating().generator_loss(np.zeros(1, "float32"))
    >>> round(float(loss[0]), 4)
    0.6931
    """

    def generator_loss(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return tf.nn.softplus(-fake)


@keras.saving.register_keras_serializable(package="keras_dl")
class LeastSquares(Adversarial):
    r"""Least squares GAN (Mao et al. 2017, "Least squares generative adversarial networks", equation 2).

    $$\tfrac12 \mathbb{E}_x[(f(x) - b)^2] + \tfrac12 \mathbb{E}_z[(f(G(z)) - a)^2], \qquad
      \tfrac12 \mathbb{E}_z[(f(G(z)) - c)^2]$$

    With $b - c = 1$ and $b - a = 2$ the game minimises the Pearson $\chi^2$ divergence between $p_\text{data} + p_g$
    and $2 p_g$.

    Args:
        fake: $a$, the critic's label of generated samples.
        real: $b$, its label of data.
        target: $c$, what the generator wants the critic to say.

    Example:

    >>> lsgan = keras_dl.objectives.LeastSquares()
    >>> float(lsgan.critic_loss(real=np.float32([0.0]), fake=np.float32([1.0]))[0])
    1.0
    """

    def __init__(self, fake: float = 0.0, real: float = 1.0, target: float = 1.0):
        self.fake, self.real = check_number(fake, "fake"), check_number(real, "real")
        self.target = check_number(target, "target")
        if fake == real:
            raise refusal("fake should not be real", fake=fake, real=real)

    def critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return 0.5 * (tf.square(real - self.real) + tf.square(fake - self.fake))

    def generator_loss(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return 0.5 * tf.square(fake - self.target)


@keras.saving.register_keras_serializable(package="keras_dl")
class Hinge(Adversarial):
    r"""Hinge losses (Lim & Ye 2017, "Geometric GAN"; Miyato et al. 2018, equations 16 and 17).

    $$\mathbb{E}_x[\max(0, 1 - f(x))] + \mathbb{E}_z[\max(0, 1 + f(G(z)))], \qquad -\mathbb{E}_z[f(G(z))]$$

    Example:

    >>> float(keras_dl.objectives.Hinge().critic_loss(real=np.float32([3.0]), fake=np.float32([0.5]))[0])
    1.5
    """

    def critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return tf.nn.relu(1.0 - real) + tf.nn.relu(1.0 + fake)

    def generator_loss(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return -fake


@keras.saving.register_keras_serializable(package="keras_dl")
class Wasserstein(Adversarial):
    r"""The Wasserstein game (Arjovsky et al. 2017, "Wasserstein GAN"), for a critic kept Lipschitz by a penalty.

    $$W_1(p_\text{data}, p_g) = \max_{\|f\|_L \le 1} \mathbb{E}_x[f(x)] - \mathbb{E}_z[f(G(z))]$$

    The critic minimises the negative estimate, which is thus `-critic_loss` without the penalty; the generator
    minimises $-\mathbb{E}_z[f(G(z))]$.

    Example:

    >>> float(keras_dl.objectives.Wasserstein().critic_loss(real=np.float32([3.0]), fake=np.float32([1.0]))[0])
    -2.0
    """

    def critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return fake - real

    def generator_loss(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return -fake


@keras.saving.register_keras_serializable(package="keras_dl")
class RelativisticAverage(Adversarial):
    r"""The relativistic average game (Jolicoeur-Martineau 2019, "The relativistic discriminator", section 4.4).

    The critic judges whether a sample is more realistic than the average of the other kind,
    $D(x) = \sigma(f(x) - \mathbb{E}_z[f(G(z))])$ and $D(G(z)) = \sigma(f(G(z)) - \mathbb{E}_x[f(x)])$, and minimises
    $-\mathbb{E}_x[\log D(x)] - \mathbb{E}_z[\log(1 - D(G(z)))]$; the generator the same with the two kinds swapped.

    The averages are those of the batch: exact on one device; each of several replicas averages over its own rows.

    Example:

    >>> game, same = keras_dl.objectives.RelativisticAverage(), np.float32([2.0, 4.0])
    >>> float(game.critic_loss(same, same)[0]) == float(game.generator_loss(same, same)[0])
    True
    """

    logits = True
    couples_batch = True
    generator_sees_real = True

    def critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return tf.nn.softplus(tf.reduce_mean(fake) - real) + tf.nn.softplus(fake - tf.reduce_mean(real))

    def generator_loss(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        if real is None:
            raise refusal("`real` should be the scores of data, which the generator's loss compares", "None")
        return self.critic_loss(fake, real)
