"""StyleGAN: a style-based generator in an adversarial game with lazy regularisation."""

from typing import Any

import keras

from keras_dl import objectives
from keras_dl.checks import check_count, check_number, refusal
from keras_dl.models import shapes, stylegan_signatures
from keras_dl.models.base import Carried, HalfLife, Signature, moving
from keras_dl.models.gan import GAN
from keras_dl.models.gan_variants import check_fixed
from keras_dl.models.structure import check_network
from keras_dl.models.stylegan_losses import StyleLosses
from keras_dl.models.stylegan_methods import StyleMethods

_HALF_LIFE = HalfLife(10_000, ramp_up=0.05)
_ADAM = {"class_name": "Adam", "config": {"learning_rate": 2e-3, "beta_1": 0.0, "beta_2": 0.99, "epsilon": 1e-8}}


@keras.saving.register_keras_serializable(package="keras_dl")
class StyleGAN(StyleMethods, StyleLosses, GAN):
    r"""Style-based generative adversarial network (Karras et al. 2019, "A style-based generator architecture for
    generative adversarial networks"; 2020, "Analyzing and improving the image quality of StyleGAN").

    The generator maps latents to styles $w = f(z)$ and synthesizes images $g(w, n)$ from a style for each layer and
    noise. The players play the `NonSaturating` game. Two regularisers are lazy: they run in every so many steps, by the
    player's own optimizer, whose rate and betas are corrected for it:

    $$\tfrac\gamma2 \mathbb{E}_x \|\nabla f(x)\|^2, \qquad
      \lambda\,\mathbb{E}_{w, y} \big(\|J_w^\top y\|_2 - a\big)^2$$

    with $a$ the moving average of path lengths $\|J_w^\top y\|$, $J_w = \partial g / \partial w$ and $y$ normal images.
    In a share of samples (`mixing`) the styles of the first layers are one latent's and those of the others another's.
    The moving averages of path lengths and styles are saved with the model and the same on all replicas.

    `fit` tracks `critic_loss`, `critic_real`, `critic_fake`, `r1_loss`, `generator_loss`, `path_loss` and
    `path_length`. Where the critic has a minibatch deviation each replica sees that of its own rows.

    Args:
        generator: Network made by `keras_dl.networks.stylegan_generator`, or one with such layers `mapping`,
            `synthesis` and `fixed_noise`.
        critic: Network from images to one linear score, such as `keras_dl.networks.stylegan_critic`.
        latent_size: Number of latents; `None` takes the generator's.
        r1_weight: $\gamma$; 0.0002 times the number of pixels over the batch size in StyleGAN 2-ADA.
        r1_every: Steps from one R1 to the next.
        path_weight: $\lambda$; 0 for small images in StyleGAN 2-ADA.
        path_every: Steps from one path-length regularisation to the next; it sees every second row.
        path_momentum: Momentum of $a$.
        mixing: Share of samples of mixed styles.
        style_momentum: Momentum of the mean style.
        augmentation: `keras_dl.objectives.AdaptiveAugmentation` of what the critic sees, for small sets, or `None`.
        objective: As for `GAN`.
        seed: As for `GAN`.
        ema_momentum: As for `GAN`; the papers' is a half-life of 10,000 images, which small sets reach late: then
            never more than a twentieth of the images seen.
        name: Name of the model.

    Raises:
        ValueError: If the networks do not fit together, or an argument is out of range.

    Example:

    >>> (x, _), _ = keras_dl.data.load("digits")
    >>> gan = keras_dl.models.StyleGAN(
    ...     keras_dl.networks.stylegan_generator((8, 8, 1), latent_size=4, filters=2, mapping_layers=2),
    ...     keras_dl.networks.stylegan_critic((8, 8, 1), filters=2),
    ... )
    >>> styles = gan.style(keras.ops.zeros((3, 4)), truncation=0.7)
    >>> gan.synthesize(gan.mix(styles, styles[::-1], 2)).shape
    TensorShape([3, 8, 8, 1])
    """

    paper_optimizers = dict.fromkeys(GAN.optimizer_names, _ADAM)
    config_names = (
        *("latent_size", "r1_weight", "r1_every", "path_weight", "path_every", "path_momentum", "mixing"),
        *("style_momentum", "augmentation", "objective"),
    )

    def __init__(
        self,
        generator: keras.Model,
        critic: keras.Model,
        latent_size: int | None = None,
        r1_weight: float = 1.0,
        r1_every: int = 16,
        path_weight: float = 2.0,
        path_every: int = 4,
        path_momentum: float = 0.99,
        mixing: float = 0.9,
        style_momentum: float = 0.995,
        augmentation: Any = None,
        objective: Any = None,
        seed: int | None = None,
        ema_momentum: float | HalfLife | dict | None = _HALF_LIFE,
        name: str | None = None,
        **kwargs,
    ):
        _check_generator(generator)
        check_fixed("StyleGAN", kwargs, ("penalty", "critic_steps", "instance_noise", "attributes", "attribute_critic"))
        options = {"objective": objective, "seed": seed, "ema_momentum": ema_momentum, "name": name}
        super().__init__(generator, critic, latent_size, **options, **kwargs)
        self.r1_weight = check_number(r1_weight, "r1_weight", least=0)
        self.r1_every = check_count(r1_every, "r1_every")
        self.path_weight = check_number(path_weight, "path_weight", least=0)
        self.path_every = check_count(path_every, "path_every")
        self.mixing = check_number(mixing, "mixing", least=0, most=1)
        self.path_momentum = check_number(path_momentum, "path_momentum", least=0, below=1)
        self.style_momentum = check_number(style_momentum, "style_momentum", least=0, below=1)
        self.augmentation = check_augmentation(augmentation)
        if augmentation is not None:
            state = {"start": [augmentation.start, 0.0], "combine": "sum", "rule": augmentation.next}
            self.carry("augmentation", Carried((2,), **state))
        synthesis = generator.get_layer("synthesis")
        self.num_styles, self.style_size = synthesis.input["styles"].shape[1:]
        self.noise_size = synthesis.input["noise"].shape[1]
        self.critic_shape = shapes.input_shape(critic, "x")
        self.carry("path_length", Carried(rule=moving(path_momentum)))
        self.carry("mean_style", Carried((self.style_size,), rule=moving(style_momentum)))

    def signatures(self) -> dict[str, Signature]:
        """What `export` writes: named functions with named inputs. See `keras_dl.runtime.export`."""
        return stylegan_signatures.signatures(self)


def check_augmentation(augmentation):
    """Returns an augmentation or `None`, or refuses anything else."""
    if augmentation is not None and not isinstance(augmentation, objectives.AdaptiveAugmentation):
        expected = "augmentation should be objectives.AdaptiveAugmentation(), or None"
        raise refusal(expected, augmentation=augmentation, error=TypeError)
    return augmentation


def _check_generator(generator):
    """Refuses a generator without the parts that are called on their own."""
    check_network("generator", generator)
    names = {layer.name for layer in generator.layers}
    missing = sorted({"mapping", "synthesis", "fixed_noise"} - names)
    if missing:
        raise refusal(
            "generator should have layers 'mapping', 'synthesis' and 'fixed_noise', as networks.stylegan_generator has",
            f"none named {', '.join(missing)}",
        )
