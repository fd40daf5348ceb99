"""Adversarial networks over the levels of a Laplacian pyramid (Denton et al. 2015)."""

from collections.abc import Sequence
from typing import Any, Self

import keras

from keras_dl.checks import check_flag
from keras_dl.models import conditions, gan_checks, lapgan_checks, lapgan_signatures, shapes
from keras_dl.models import lapgan_game as game
from keras_dl.models.base import ObjectiveModel, Signature, Update
from keras_dl.models.base.averages import HalfLife
from keras_dl.models.fitting.compiling import copy_of
from keras_dl.models.lapgan_methods import LAPGANMethods
from keras_dl.types import Nest, Optimizer, Tensor

_SGD = {"class_name": "SGD", "config": {"learning_rate": 0.02, "momentum": 0.5}}


@keras.saving.register_keras_serializable(package="keras_dl")
class LAPGAN(LAPGANMethods, ObjectiveModel):  # type: ignore[misc]
    r"""Laplacian pyramid of adversarial networks (Denton et al. 2015, "Deep generative image models using a Laplacian
    pyramid of adversarial networks").

    With $d$ the halving and $u$ the doubling of images by a smooth filter (`keras_dl.layers.PyramidDown`, `PyramidUp`),
    the coarsest level is a `GAN` of small images; each finer one learns what is missing in blurred images:

    $$x_0 = G_0(z_0), \qquad x_k = l_k + G_k(z_k, l_k), \quad l_k = u(x_{k-1}), \qquad z \sim \mathcal{U}(-1, 1)$$

    The critic of level $k$ judges $x_k$. In training $l_k$ comes from data, $l_k = u(d(x_k))$, so that levels do not
    see one another: all learn in each step, two updates each, or some. With `generated_coarse` generators learn on
    $l_k$ from generated images instead, as they will find them in sampling.

    Data are `x`, or `(x, condition)` where the networks are conditional, images of the finest level. `fit` and
    `evaluate` track, for each level `k`, `critic_k_loss`, `critic_k_real`, `critic_k_fake` and `generator_k_loss`.

    Args:
        generators: Built networks, coarsest level first. The first maps latents `(batch, n)` to images, the others
            `{"latents": ..., "coarse": ...}` to differences: `keras_dl.networks.lapgan_generator`. Each level is twice
            as large as the one before.
        critics: Built networks from images of each level to logits: `keras_dl.networks.lapgan_critic`.
        objective: `keras_dl.objectives` object; `None` means `NonSaturating()`, the paper's.
        penalty: `None`, a penalty or several, as for `GAN`; each level's networks have them.
        generated_coarse: Whether finer levels learn on generated coarse images, and not on data's.
        value_range: `(low, high)`, to which samples of the finest level are clipped; `None` for none.
        levels: Numbers of the levels that learn, such as `(0,)`; `None` for all.
        seed: Integer that decides noise and data order; `None` draws one.
        ema_momentum: Momentum of averages of the generators' weights, which all that generates then uses.
        name: Name of the model.

    Raises:
        ValueError: If levels do not meet, or networks do not fit together.
        TypeError: If `objective` or `penalty` is none.

    Example:

    >>> (x, _), _ = keras_dl.data.load("digits")
    >>> n = keras_dl.networks
    >>> model = keras_dl.models.LAPGAN(
    ...     [n.mlp_generator(8, (4, 4, 1), (16,)), n.lapgan_generator((8, 8, 1), 4, (3, 3))],
    ...     [n.mlp_critic((4, 4, 1), (16,)), n.lapgan_critic((8, 8, 1), 4)],
    ... )
    >>> model.compile("adam")
    >>> history = model.fit(x[:256], batch_size=64, verbose=0)
    >>> model.sample(3, seed=0).shape, model.refine(model.pyramid(x[:2])[0]).shape
    (TensorShape([3, 8, 8, 1]), TensorShape([2, 8, 8, 1]))
    """

    has_conditions = True
    checks_values = False

    def __init__(
        self,
        generators: Sequence[keras.Model],
        critics: Sequence[keras.Model],
        objective: Any = None,
        penalty: Any = None,
        generated_coarse: bool = False,
        value_range: Sequence[float] | None = None,
        levels: Sequence[int] | None = None,
        seed: int | None = None,
        ema_momentum: float | HalfLife | dict | None = None,
        name: str | None = None,
        **kwargs,
    ):
        level_shapes = lapgan_checks.check_levels(generators, critics)
        objective = lapgan_checks.objective_or_default(objective)
        penalties = lapgan_checks.penalties_of(penalty, objective, critics)
        trained = lapgan_checks.check_trained(levels, len(generators))
        networks = {f"generator_{level}": network for level, network in enumerate(generators)}
        self.averaged_networks = tuple(networks)
        networks |= {f"critic_{level}": network for level, network in enumerate(critics)}
        players = ("generator", "critic")
        self.optimizer_names = tuple(f"{player}_{level}_optimizer" for level in trained for player in players)
        self.paper_optimizers = dict.fromkeys(self.optimizer_names, _SGD)
        super().__init__(networks, seed, ema_momentum, name, **kwargs)
        self.objective, self.penalty, self.penalties = objective, penalty, penalties
        self.generated_coarse = bool(check_flag(generated_coarse, "generated_coarse"))
        self.value_range = gan_checks.check_value_range(value_range)
        self.levels, self.trained_levels = levels, trained
        self.shapes = level_shapes
        self.latent_sizes = [game.latent_size(generator) for generator in generators]
        self.latent_size = sum(self.latent_sizes)

    def compile(
        self,
        optimizer: Optimizer = "auto",
        loss: Any = None,
        *,
        generator_optimizer: Optimizer | None = None,
        critic_optimizer: Optimizer | None = None,
        **options,
    ) -> None:
        """Configures training; `ObjectiveModel.compile`.

        Args:
            optimizer: As there: one for all, of which each network gets a copy, or `"auto"` for the paper's.
            loss: Refused, as there.
            generator_optimizer, critic_optimizer: Optimizers of which each level's network gets a copy;
                `generator_1_optimizer` and the like stand for one level's.
            **options: As there.
        """
        for player, shared in (("generator", generator_optimizer), ("critic", critic_optimizer)):
            names = [name for name in self.optimizer_names if name.startswith(player) and shared is not None]
            options = {name: copy_of(shared) for name in names} | options
        super().compile(optimizer, loss, **options)

    def make_updates(self, *optimizers) -> tuple[Update, ...]:
        updates = []
        for place, level in enumerate(self.trained_levels):
            one = game.LevelGame(self, level)
            generator_optimizer, critic_optimizer = optimizers[2 * place : 2 * place + 2]
            terms, more = ("real", "fake", *one.extra_terms("critic")), one.extra_terms("generator")
            after = one.constraint_on("critic")
            updates += [
                Update(f"critic_{level}", one.critic_loss, (one.critic,), critic_optimizer, terms, after=after),
                Update(f"generator_{level}", one.generator_loss, (one.generator,), generator_optimizer, more),
            ]
        return tuple(updates)

    def call(self, inputs: Nest, training: bool = False) -> Tensor:
        """Maps latents, `(latents, condition)` or a dict of these names to images: what `predict` returns."""
        return self._generate(*conditions.unpack(inputs))

    def signatures(self) -> dict[str, Signature]:
        """What `export` writes: generate (the default), sample, refine (of coarsest images) and discriminate."""
        return lapgan_signatures.signatures(self)

    def check_data(self, data: Nest) -> None:
        x, condition = conditions.unpack(data)
        shapes.check_x(x, self.shapes[-1])
        gan_checks.check_range(x, self.generator_0)
        gan_checks.check_in_value_range(x, self.value_range)
        gan_checks.check_condition(self, self.networks, condition, len(x))

    def check_inputs(self, inputs: Nest) -> None:
        latents, condition = conditions.unpack(inputs)
        shapes.check_x(latents, (self.latent_size,), "latents")
        conditions.check(self._generators(), condition, len(latents))

    def get_config(self) -> dict[str, Any]:
        generators, critics = self.networks[: len(self.shapes)], self.networks[len(self.shapes) :]
        parts = {"generators": generators, "critics": critics, "objective": self.objective, "penalty": self.penalty}
        parts = {name: keras.saving.serialize_keras_object(part) for name, part in parts.items()}
        levels = None if self.levels is None else list(self.levels)
        rest = {"generated_coarse": self.generated_coarse, "value_range": self.value_range, "levels": levels}
        return {**super().get_config(), **parts, **rest}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        names = ("generators", "critics", "objective", "penalty")
        return cls(**config | {name: keras.saving.deserialize_keras_object(config[name]) for name in names})
