"""Adversarial networks by the names of their papers: defaults on `GAN`."""

from typing import Any

import keras

from keras_dl import objectives
from keras_dl.checks import check_number, refusal
from keras_dl.models import conditions
from keras_dl.models.gan import GAN


def _both(name, **config):
    """The config of an optimizer, for each of an adversarial model's two."""
    return dict.fromkeys(GAN.optimizer_names, {"class_name": name, "config": config})


@keras.saving.register_keras_serializable(package="keras_dl")
class ConditionalGAN(GAN):
    r"""Conditional GAN (Mirza & Osindero 2014, "Conditional generative adversarial nets"): $G(z | y)$ for labels,
    several attributes or vectors $y$.

    The same game as `GAN` with data `(x, condition)`. The condition reaches the critic in one of three ways:

    - as an input, or projected on its features (`projection=True` in `keras_dl.networks`; Miyato & Koyama 2018);
    - through a second critic that reads the attributes, several categorical and continuous ones:
      `attributes=Attributes((4, 2, None)), attribute_critic=network`;
    - through further outputs of the critic itself: `attributes=Attributes(10, on_generated=True)` is the auxiliary
      classifier GAN of Odena et al. 2017.

    Args:
        generator: Generator that takes `{"latents": ..., "condition": ...}`.
        critic: Critic that takes `{"x": ..., "condition": ...}`, or `x` where there are attributes.
        **kwargs: As for `GAN`.

    Raises:
        ValueError: If the generator takes no condition, or nothing holds it to the condition.

    Example:

    >>> (x, y), _ = keras_dl.data.load("digits")
    >>> cgan = keras_dl.models.ConditionalGAN(
    ...     keras_dl.networks.mlp_generator(2, x.shape[1:], hidden=(16,), num_classes=10),
    ...     keras_dl.networks.mlp_critic(x.shape[1:], hidden=(16,), num_classes=10, projection=True),
    ... )
    >>> cgan.sample(2, condition=[3, 7]).shape
    TensorShape([2, 8, 8, 1])
    """

    def __init__(
        self,
        generator: keras.Model,
        critic: keras.Model,
        latent_size: int | None = None,
        attributes: Any = None,
        **kwargs,
    ):
        if not conditions.takes_condition(generator):
            raise refusal("generator should be conditional, with 'condition' in its inputs", "one without")
        if attributes is None and not conditions.takes_condition(critic):
            raise refusal("critic should be conditional, or attributes be given", "neither")
        super().__init__(generator, critic, latent_size, attributes=attributes, **kwargs)


def check_fixed(name, options, fixed):
    """Refuses options that the name of a model says already."""
    for option in fixed:
        if option in options:
            received = f"{option}={options[option]!r}"
            raise refusal(f"{option} should not be given: {name} has its own; see GAN", received)


@keras.saving.register_keras_serializable(package="keras_dl")
class WGAN(GAN):
    r"""Wasserstein GAN with weight clipping (Arjovsky et al. 2017, algorithm 1).

    `Wasserstein` objective, every critic weight kept in $[-c, c]$. The paper's optimizers are RMSprop(5e-5).

    Args:
        generator: As for `GAN`.
        critic: As for `GAN`; it must not end in a sigmoid.
        latent_size: As for `GAN`.
        clip: $c$.
        critic_steps: Critic updates a generator update.
        **kwargs: Further arguments of `GAN`, but `objective` and `penalty`.

    Example:

    >>> wgan = keras_dl.models.WGAN(
    ...     keras_dl.networks.mlp_generator(2, (2,), output_activation=None), keras_dl.networks.mlp_critic((2,))
    ... )
    >>> wgan.penalty.limit, wgan.critic_steps
    (0.01, 5)
    """

    paper_optimizers = _both("RMSprop", learning_rate=5e-5)
    config_names = ("latent_size", "clip", "critic_steps", "instance_noise", "attributes")

    def __init__(
        self,
        generator: keras.Model,
        critic: keras.Model,
        latent_size: int | None = None,
        clip: float = 0.01,
        critic_steps: int = 5,
        **kwargs,
    ):
        if check_number(clip, "clip", least=0) == 0:
            raise refusal("clip should be above 0", clip=clip)
        check_fixed("WGAN", kwargs, ("objective", "penalty"))
        penalty = objectives.WeightClipping(clip)
        super().__init__(generator, critic, latent_size, objectives.Wasserstein(), penalty, critic_steps, **kwargs)
        self.clip = clip


@keras.saving.register_keras_serializable(package="keras_dl")
class WGANGP(GAN):
    r"""Wasserstein GAN with gradient penalty (Gulrajani et al. 2017, algorithm 1).

    `Wasserstein` objective and `GradientPenalty` $\lambda$. The paper's optimizers are Adam(1e-4, beta_1=0,
    beta_2=0.9).

    Args:
        generator: As for `GAN`.
        critic: As for `GAN`; without batch normalization.
        latent_size: As for `GAN`.
        gradient_penalty: $\lambda$.
        critic_steps: Critic updates a generator update.
        **kwargs: Further arguments of `GAN`, but `objective` and `penalty`.

    Example:

    >>> gan = keras_dl.models.WGANGP(
    ...     keras_dl.networks.mlp_generator(64, (2,), output_activation=None),
    ...     keras_dl.networks.mlp_critic((2,)),
    ...     latent_size=64, gradient_penalty=10.0, critic_steps=5,
    ... )
    >>> gan.sample(2, seed=0).shape
    TensorShape([2, 2])
    """

    paper_optimizers = _both("Adam", learning_rate=1e-4, beta_1=0.0, beta_2=0.9)
    config_names = ("latent_size", "gradient_penalty", "critic_steps", "instance_noise", "attributes")

    def __init__(
        self,
        generator: keras.Model,
        critic: keras.Model,
        latent_size: int | None = None,
        gradient_penalty: float = 10.0,
        critic_steps: int = 5,
        **kwargs,
    ):
        check_fixed("WGANGP", kwargs, ("objective", "penalty"))
        penalty = objectives.GradientPenalty(check_number(gradient_penalty, "gradient_penalty", least=0))
        super().__init__(generator, critic, latent_size, objectives.Wasserstein(), penalty, critic_steps, **kwargs)
        self.gradient_penalty = gradient_penalty


@keras.saving.register_keras_serializable(package="keras_dl")
class DCGAN(GAN):
    r"""Deep convolutional GAN (Radford et al. 2016, "Unsupervised representation learning with deep convolutional
    generative adversarial networks").

    The `NonSaturating` game between networks built by the paper's rules, `keras_dl.networks.dcgan_generator` and
    `dcgan_critic`. The paper's optimizers are Adam(2e-4, beta_1=0.5), its batches of 128.

    Those networks' batch normalization takes the statistics of what one device sees: each of several replicas those of
    its own rows, so that their weights are not one device's. With `normalization="synchronized"` in both factories the
    statistics are the global batch's, and so are the weights.

    Args:
        generator: As for `GAN`.
        critic: As for `GAN`.
        latent_size: As for `GAN`; 100 in the paper.
        label_smoothing: One-sided label smoothing; see `keras_dl.objectives.Minimax`.
        **kwargs: Further arguments of `GAN`, but `objective`.

    Example:

    >>> dcgan = keras_dl.models.DCGAN(
    ...     keras_dl.networks.dcgan_generator(100, (8, 8, 1), filters=4),
    ...     keras_dl.networks.dcgan_critic((8, 8, 1), filters=4),
    ... )
    >>> dcgan.sample(2, seed=0).shape
    TensorShape([2, 8, 8, 1])
    """

    paper_optimizers = _both("Adam", learning_rate=2e-4, beta_1=0.5)
    config_names = ("latent_size", "label_smoothing", "penalty", "critic_steps", "instance_noise", "attributes")

    def __init__(
        self,
        generator: keras.Model,
        critic: keras.Model,
        latent_size: int | None = None,
        label_smoothing: float = 0.0,
        **kwargs,
    ):
        check_fixed("DCGAN", kwargs, ("objective",))
        super().__init__(generator, critic, latent_size, objectives.NonSaturating(label_smoothing), **kwargs)
        self.label_smoothing = label_smoothing
