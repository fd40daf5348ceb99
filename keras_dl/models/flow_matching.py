"""Flow matching."""

import math
from collections.abc import Callable
from typing import Any, Self

import keras
import tensorflow as tf

from keras_dl import processes
from keras_dl.checks import refusal
from keras_dl.likelihoods import Prior
from keras_dl.models import conditions, shapes
from keras_dl.models.base import Draw, gather_rows
from keras_dl.models.diffusion import Diffusion
from keras_dl.types import Nest, Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class FlowMatching(Diffusion):
    r"""Flow matching: a network learns the velocity along paths from data $x$ to a source $s$, such as noise.

    $$\mathcal{L} = \mathbb{E}\left[\tfrac1d \left| f(x_t, t) - (s - x) \right|^2\right],
      \qquad x_t = (1 - t) x + t s$$

    (Lipman et al. 2023, "Flow matching for generative modeling"; Liu et al. 2023, "Flow straight and fast"; Tong et al.
    2024, "Improving and generalizing flow-based generative models with minibatch optimal transport".) It is
    `Diffusion` with `process=RectifiedFlow()` and `prediction="velocity"`, sampled along the equation
    $dx_t / dt = f(x_t, t)$.

    | method | arguments |
    |---|---|
    | I-CFM, rectified flow | none |
    | OT-CFM | `coupling=OptimalTransport()` |
    | C2OT, for conditional networks | `coupling=ConditionalTransport()` |
    | SB-CFM | `process=Bridge(noise)`, `coupling=EntropicTransport(noise)` |
    | VP-CFM | `process=Cosine(min_signal=0)` |

    Args:
        network: As for `Diffusion`.
        process: `keras_dl.processes.Process`; `None` means `RectifiedFlow()`.
        prediction: As for `Diffusion`.
        sampler: As for `Diffusion`; with a coupling, a source or a `Bridge` one that follows the velocity alone:
            `"euler"`, `"heun"` or `"adaptive"`.
        coupling: `keras_dl.processes.Coupling` that joins the data of a global batch, however many replicas hold it, to
            as many points of the source; `None` for independent pairs.
        source: Where paths end: `None` for standard normal noise; a `keras_dl.likelihoods.Prior`, such as
            `FixedMixture`; or `"data"`, where the data carry points of the source behind them on the last axis,
            `np.concatenate([x, source], -1)`, on the inner scale: `decode` then takes others.
        **kwargs: As for `Diffusion`.

    Raises:
        TypeError: If coupling or source are of another kind.
        ValueError: If the source has another size, or the parts do not fit together.

    Example:

    >>> model = keras_dl.models.FlowMatching(keras_dl.networks.denoising_mlp((2,), 16, 32))
    >>> model.sample(3, steps=4, seed=0).shape
    TensorShape([3, 2])
    """

    def __init__(
        self,
        network: keras.Model,
        process: Any = None,
        prediction: str = "velocity",
        sampler: Any = "heun",
        coupling: Any = None,
        source: Any = None,
        **kwargs,
    ):
        process = processes.RectifiedFlow() if process is None else process
        super().__init__(network, process, prediction, sampler=sampler, **kwargs)
        self.coupling, self.source = coupling, source
        self._check_coupling()
        self._check_source()
        self.xla_ready = coupling is None
        self.follows_velocity = coupling is not None or source is not None or process.jitters
        self.checked_sampler(sampler)

    @property
    def carries_source(self) -> bool:  # type: ignore[override]
        return isinstance(self.source, str)

    def draw_source(self, draw: Draw) -> Tensor:
        if self.carries_source:
            raise refusal("`decode` should be given points of the source, which only data carry", source=self.source)
        if self.source is None:
            return super().draw_source(draw)
        return tf.reshape(self.source.draw_latents(draw), [-1, *self.data_shape])

    def source_log_prob(self) -> Callable | None:
        if self.carries_source:
            raise refusal("`source` should have a density", source=self.source)
        if self.source is None:
            return None
        return lambda x: self.source().log_prob(tf.reshape(x, [-1, math.prod(self.data_shape)]))

    def ends(self, x: Tensor, condition: Tensor | None, draw: Draw) -> tuple[Tensor, Tensor]:
        if self.coupling is None and not self.carries_source:
            return super().ends(x, condition, draw)
        if self.carries_source:
            x, source = tf.split(x, 2, axis=-1)
            x = self.scaled(x)
            if self.coupling is None:
                return x, source
            source = gather_rows(source[: draw.held])
        else:
            x, source = self.scaled(x), self.draw_source(draw.whole())
        return x, self._coupled(x, source, condition, draw)

    def check_data(self, data: Nest) -> None:
        if not self.carries_source:
            return super().check_data(data)
        x, condition = conditions.unpack(data)
        *sides, last = self.data_shape
        shapes.check_x(x, (*sides, 2 * last))
        return super().check_data((x[..., :last], condition))

    def get_config(self) -> dict[str, Any]:
        parts = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in ("coupling", "source")}
        return {**super().get_config(), **parts}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        read = keras.saving.deserialize_keras_object
        return super().from_config({**config, **{name: read(config.get(name)) for name in ("coupling", "source")}})

    def _coupled(self, x, source, condition, draw):
        """The points of the source for the rows at hand, of `source` for the global batch."""
        parts = [gather_rows(x[: draw.held]), source, draw.whole().uniform()]
        if condition is not None:
            condition = tf.cast(condition, self.network.input["condition"].dtype)
            parts.append(gather_rows(condition[: draw.held]))

        def pairs(x, source, uniform, condition=None):
            return self.coupling.pairs(x, source, condition, uniform)

        joined = tf.ensure_shape(tf.numpy_function(pairs, parts, tf.int32), [None])
        # The one row of zeros that an empty replica sees has no place in the batch; it counts for nothing.
        rows = tf.minimum(draw.row_numbers(), tf.cast(draw.total, tf.int64) - 1)
        return tf.gather(source, tf.gather(joined, rows))

    def _check_coupling(self):
        if not isinstance(self.coupling, (processes.Coupling, type(None))):
            message = "`coupling` should be a keras_dl.processes.Coupling or None"
            raise refusal(message, coupling=self.coupling, error=TypeError)
        if isinstance(self.coupling, processes.ConditionalTransport) and not conditions.takes_condition(self.network):
            raise refusal("`network` should be conditional for a conditional transport", network=self.network.name)

    def _check_source(self):
        if self.source is None or self.source == "data":
            return
        if not isinstance(self.source, Prior):
            message = "`source` should be None, 'data' or a keras_dl.likelihoods.Prior"
            raise refusal(message, source=self.source, error=TypeError)
        if self.source.latent_size != math.prod(self.data_shape):
            size = math.prod(self.data_shape)
            raise refusal(f"`source` should be of {size} values", latent_size=self.source.latent_size)
