"""Translation between two domains of images without pairs (Zhu et al. 2017)."""

from collections.abc import Sequence
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from keras_dl import objectives
from keras_dl.checks import check_count, check_number, refusal
from keras_dl.models import cycle_losses, shapes, two_domains
from keras_dl.models import translation_parts as parts
from keras_dl.models.base import ObjectiveModel, SampleBuffer, Signature, Update
from keras_dl.models.base.averages import HalfLife
from keras_dl.models.gan_checks import data_range
from keras_dl.types import Nest, Tensor

_ADAM = {"class_name": "Adam", "config": {"learning_rate": 2e-4, "beta_1": 0.5}}


@keras.saving.register_keras_serializable(package="keras_dl")
class CycleGAN(cycle_losses.CycleLosses, ObjectiveModel):
    r"""Translation without pairs (Zhu et al. 2017, "Unpaired image-to-image translation using cycle-consistent
    adversarial networks").

    Generators $G: A \to B$ and $F: B \to A$ learn together, against critics of both domains:

    $$\min_{G, F} \mathbb{E}\left[w\, \ell(D_B(G(a))) + w\, \ell(D_A(F(b))) + \lambda |F(G(a)) - a|
      + \lambda |G(F(b)) - b| + \lambda \mu |G(b) - b| + \lambda \mu |F(a) - a|\right]$$

    Both generators move by the gradient of this whole sum, so each is trained on both cycles; absolute values are means
    over an image. Critics learn by the objective's loss, from images of a pool. In each step the generators learn
    first. Data are `(a, b)`, of which there may be different numbers: see `keras_dl.data.images.unpaired`.

    `fit` and `evaluate` track `generators_loss` and its six terms, and of either critic loss, `real` and `fake`.

    Args:
        forward: Built Keras model from images of A to images of B, `keras_dl.networks.resnet_translator`.
        backward: Built Keras model from images of B to images of A.
        critic_a, critic_b: Built Keras models from images of A, of B, to logits of patches,
            `keras_dl.networks.patch_critic(normalization="instance")`.
        cycle_weight: $\lambda$; 10 in the paper.
        identity_weight: $\mu$; 0.5 for paintings in the paper, else 0. Not for domains of different channels.
        adversarial_weight: $w$; 2 with `LeastSquares`, which halves squares, is the paper's.
        pool_size: Images that each pool holds; 0 for critics that see new images alone.
        image_shapes: `(shape of A, shape of B)`, where networks take any size and there are pools.
        objective: `keras_dl.objectives` object; `None` means `LeastSquares()`, the paper's.
        seed: Integer that decides noise and data order; `None` draws one.
        ema_momentum: Momentum of averaged weights of the generators, which `translate` then uses; `None` for none.
        name: Name of the model.

    Raises:
        ValueError: If the networks do not fit together, a weight is negative, or shapes for pools are not known.
        TypeError: If `objective` is none.

    Example:

    >>> def translator():
    ...     options = {"filters": 4, "num_blocks": 1, "output_activation": "sigmoid"}
    ...     return keras_dl.networks.resnet_translator((8, 8, 3), **options)
    >>> def critic():
    ...     return keras_dl.networks.patch_critic((8, 8, 3), filters=4, num_layers=1, normalization="instance")
    >>> model = keras_dl.models.CycleGAN(translator(), translator(), critic(), critic(), pool_size=4)
    >>> model.compile()
    >>> a = np.random.default_rng(0).random((6, 8, 8, 3), dtype="float32")
    >>> model.generator_terms    # `model.fit(a, b, batch_size=1)` tracks them
    ('adversarial_a', 'adversarial_b', 'cycle_a', 'cycle_b')
    >>> model.translate(a).shape, model.cycle(a, "backward").shape
    (TensorShape([6, 8, 8, 3]), TensorShape([6, 8, 8, 3]))
    """

    optimizer_names = ("generator_optimizer", "critic_optimizer")
    averaged_networks = ("forward", "backward")
    paper_optimizers = dict.fromkeys(optimizer_names, _ADAM)

    def __init__(
        self,
        forward: keras.Model,
        backward: keras.Model,
        critic_a: keras.Model,
        critic_b: keras.Model,
        cycle_weight: float = 10.0,
        identity_weight: float = 0.0,
        adversarial_weight: float = 2.0,
        pool_size: int = 50,
        image_shapes: Sequence | None = None,
        objective: Any = None,
        seed: int | None = None,
        ema_momentum: float | HalfLife | dict | None = None,
        name: str | None = None,
        **kwargs,
    ):
        shapes_ = cycle_losses.checked_shapes(forward, backward, critic_a, critic_b, identity_weight)
        networks = {"forward": forward, "backward": backward, "critic_a": critic_a, "critic_b": critic_b}
        super().__init__(networks, seed, ema_momentum, name, **kwargs)
        self.objective = parts.checked_objective(objective, objectives.LeastSquares())
        self.cycle_weight = check_number(cycle_weight, "cycle_weight", least=0)
        self.identity_weight = check_number(identity_weight, "identity_weight", least=0)
        self.adversarial_weight = check_number(adversarial_weight, "adversarial_weight", least=0)
        self.pool_size = check_count(pool_size, "pool_size", least=0)
        self.image_shapes = image_shapes
        self.shape_a, self.shape_b = shapes_
        if self.pool_size:
            pooled = cycle_losses.pooled_shapes(shapes_, image_shapes)
            for side, shape in zip("ab", pooled, strict=True):
                self.carry(f"pool_{side}", SampleBuffer(self.pool_size, shape))

    def make_updates(
        self, generator_optimizer: keras.optimizers.Optimizer, critic_optimizer: keras.optimizers.Optimizer
    ) -> tuple[Update, ...]:
        networks = self.forward, self.backward
        generators = Update(
            "generators", self.generators_loss, networks, generator_optimizer, terms=self.generator_terms
        )
        critics = [
            Update(
                f"critic_{side}",
                loss,
                (getattr(self, f"critic_{side}"),),
                critic_optimizer,
                terms=("real", "fake"),
                hands_back=(f"pool_{side}",) if self.pool_size else (),
            )
            for side, loss in (("a", self.critic_a_loss), ("b", self.critic_b_loss))
        ]
        return generators, *critics

    def fit(
        self, x: Nest | None = None, y: Nest | None = None, batch_size: int | None = None, *args, **options
    ) -> keras.callbacks.History:
        """Trains the model; `ObjectiveModel.fit`. Arrays `x` of A and `y` of B may have different numbers of rows.

        So may the two of `validation_data`.
        """
        size = options.get("validation_batch_size") or batch_size or 32
        dataset = two_domains.batches(self, x, y, batch_size or 1, options, options.get("shuffle", True))
        if dataset is not None:
            x, y, batch_size = dataset, None, None
        if options.get("validation_data") is not None:
            options["validation_data"] = two_domains.held_out(self, options["validation_data"], size)
        return super().fit(x, y, batch_size, *args, **options)

    def evaluate(
        self, x: Nest | None = None, y: Nest | None = None, batch_size: int | None = None, *args, **options
    ) -> Any:
        """Evaluates the model; `ObjectiveModel.evaluate`. Arrays may have different numbers of rows, as for `fit`."""
        dataset = two_domains.batches(self, x, y, batch_size or 32, options)
        if dataset is not None:
            x, y, batch_size = dataset, None, None
        return super().evaluate(x, y, batch_size, *args, **options)

    def call(self, inputs: Nest, training: bool = False) -> Tensor:
        """Translates images of A to B: what `predict` returns."""
        return self._forward(inputs)

    def translate(self, x: Tensor, direction: str = "forward") -> Tensor:
        """Returns the translations of images, float32 `(rows, height, width, channels)`.

        Args:
            x: Images of A; of B for `direction="backward"`.
            direction: `"forward"` or `"backward"`.

        Raises:
            ValueError: If images have another shape, or values far beyond those that the networks make.
        """
        side, method, _ = self._way(direction)
        return shapes.by_rows(self.as_graph(method), self._images(x, side))

    def cycle(self, x: Tensor, direction: str = "forward") -> Tensor:
        """Returns images translated there and back: $F(G(a))$, or $G(F(b))$ for `direction="backward"`.

        Args:
            x, direction: See `translate`.
        """
        side, _, method = self._way(direction)
        return shapes.by_rows(self.as_graph(method), self._images(x, side))

    def signatures(self) -> dict[str, Signature]:
        """What `export` writes: `forward` (the default) and `backward`."""
        a, b = (tf.TensorSpec([None, *shape]) for shape in (self.shape_a, self.shape_b))
        return {
            "forward": Signature(lambda x: {"translated": self._forward(x)}, {"x": a}),
            "backward": Signature(lambda x: {"translated": self._backward(x)}, {"x": b}),
        }

    def check_data(self, data: Nest) -> None:
        if not isinstance(data, (tuple, list)) or len(data) != 2 or data[1] is None:
            raise refusal("data should be (a, b), images of both domains", f"{type(data).__name__}")
        expected = [self.carried[f"pool_{side}"].shape if self.pool_size else self._side(side)[0] for side in "ab"]
        for x, shape, side in zip(data, expected, "ab", strict=True):
            parts.check_images(x, shape, f"images of {side}", self._side(side)[1])
            parts.check_sizes(f"critic_{side}", getattr(self, f"critic_{side}"), np.shape(x)[1:])
        if None in (*self.shape_a, *self.shape_b):
            cycle_losses.check_domains(self.forward, self.backward, *data)

    def check_inputs(self, inputs: Nest) -> None:
        shape, value_range = self._side("a")
        shapes.check_x(inputs, shape)
        parts.check_levels(inputs, value_range)

    def get_config(self) -> dict[str, Any]:
        names = ("cycle_weight", "identity_weight", "adversarial_weight", "pool_size", "image_shapes")
        rest = {name: getattr(self, name) for name in names}
        return {**super().get_config(), **parts.serialized(self, (*self.network_names, "objective")), **rest}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**parts.deserialized(config))

    def _way(self, direction):
        ways = {
            "forward": ("a", self._forward, self._there_and_back),
            "backward": ("b", self._backward, self._back_and_there),
        }
        if direction not in ways:
            raise refusal('`direction` should be "forward" or "backward"', direction=direction)
        return ways[direction]

    def _side(self, side):
        """The shape of images of a domain, and what values the network that makes such images can give them."""
        return (self.shape_a, data_range(self.backward)) if side == "a" else (self.shape_b, data_range(self.forward))

    def _images(self, x, side):
        shape, value_range = self._side(side)
        x = shapes.as_rows(x, shape)
        parts.check_levels(x, value_range)
        return x

    def _forward(self, x, condition=None):
        return tf.cast(self.averaged("forward")(x, training=False), tf.float32)

    def _backward(self, x, condition=None):
        return tf.cast(self.averaged("backward")(x, training=False), tf.float32)

    def _there_and_back(self, x, condition=None):
        return self._backward(self._forward(x))

    def _back_and_there(self, x, condition=None):
        return self._forward(self._backward(x))
