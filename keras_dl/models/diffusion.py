"""Diffusion models."""

from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from keras_dl import processes
from keras_dl.checks import check_count, check_number
from keras_dl.models import (
    conditions,
    denoiser,
    diffusion_bound,
    diffusion_checks,
    diffusion_density,
    diffusion_paths,
    diffusion_signatures,
    shapes,
)
from keras_dl.models.base import Draw, ObjectiveModel, Signature, Update
from keras_dl.models.base.averages import HalfLife
from keras_dl.types import Nest, Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class Diffusion(  # type: ignore[misc, override]
    denoiser.Denoiser, diffusion_paths.Paths, diffusion_density.Density, diffusion_bound.Bound, ObjectiveModel
):
    r"""Diffusion model: a network learns to undo the noise that a process adds to data.

    With $x_t = \alpha(t) x + \sigma(t) \epsilon$, the network $f$ predicts the noise, the data, or another linear form
    of both (`keras_dl.processes`), by least squares at times drawn over the whole process:

    $$\mathcal{L} = \mathbb{E}\left[w(t)\, \tfrac1d \left| f(x_t, t) - \text{target}(x, \epsilon, t) \right|^2\right]$$

    (Ho et al. 2020, "Denoising diffusion probabilistic models"; Song et al. 2021, "Score-based generative modeling
    through stochastic differential equations"; Karras et al. 2022). The mean is over the $d$ values of a sample. The
    times of a batch are spread evenly over the process (Kingma et al. 2021). Data are `x`, or `(x, condition)`.

    Args:
        network: Built Keras model from `{"x": ..., "time": ...}`, with `"condition"` if it is conditional, to a
            prediction of the shape of `x`; `keras_dl.networks.denoising_unet` and `denoising_mlp` make some.
        process: `keras_dl.processes.Process`; `None` means `Cosine()`.
        prediction: What the network predicts, one of `keras_dl.processes.KINDS`.
        weighting: $w$: `None` for 1, `"min_snr"` for $\min(\text{SNR}, 5)$ of the data's error (Hang et al. 2023), or
            `"likelihood"` for the variational bound's (Kingma et al. 2021).
        value_range: `(low, high)` of the data, which are mapped to [-1, 1] inside; samples are clipped to it. `None`
            for data without bounds, of about unit variance. `"auto"` means (0, 1) for images and `None` for others.
        sampler: Name of the sampler that `sample` uses if none is named, one of `keras_dl.samplers.SAMPLERS`.
        steps: Its number of steps.
        condition_dropout: Probability with which training hides a condition, so that the network also models data
            without one and `sample` may use `guidance`.
        seed: Integer that decides noise and data order; `None` draws one.
        ema_momentum: Momentum of averaged weights, used by everything but training; `None` for none.
        name: Name of the model.

    Raises:
        ValueError: If the network does not fit, or an argument is out of range.

    Example:

    >>> x = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")
    >>> model = keras_dl.models.Diffusion(keras_dl.networks.denoising_mlp((2,), 16, 32))
    >>> model.compile(keras.optimizers.Adam(1e-3))
    >>> history = model.fit(x, batch_size=32, epochs=2, verbose=0)
    >>> sorted(history.history)
    ['loss']
    >>> model.sample(3, steps=4, seed=0).shape
    TensorShape([3, 2])
    """

    averaged_networks = ("network",)
    coupling: Any = None  # of data and noise: independent
    has_conditions = True
    checks_values = False

    def __init__(
        self,
        network: keras.Model,
        process: Any = None,
        prediction: str = "noise",
        weighting: str | None = None,
        value_range: Any = "auto",
        sampler: Any = "dpm_solver",
        steps: int = 25,
        condition_dropout: float = 0.1,
        seed: int | None = None,
        ema_momentum: float | HalfLife | dict | None = 0.999,
        name: str | None = None,
        **kwargs,
    ):
        process = processes.Cosine() if process is None else process
        diffusion_checks.check_network(network)
        diffusion_checks.check_prediction(process, prediction, weighting)
        super().__init__({"network": network}, seed=seed, ema_momentum=ema_momentum, name=name, **kwargs)
        self.data_shape = tuple(network.input["x"].shape[1:])
        self.process, self.prediction, self.weighting = process, prediction, weighting
        self.value_range = diffusion_checks.check_range(value_range, self.data_shape)
        self.sampler, self.steps = diffusion_checks.check_sampler(sampler), check_count(steps, "steps")
        self.condition_dropout = check_number(condition_dropout, "condition_dropout", least=0, below=1)

    def make_updates(self, optimizer: keras.optimizers.Optimizer) -> tuple[Update, ...]:
        return (Update("network", self.loss_terms, (self.network,), optimizer),)

    def loss_terms(self, batch: Nest, draw: Draw) -> Nest:
        """The weighted squared error of every sample of a batch; see `Update.loss`."""
        x, condition = conditions.unpack(batch)
        # One time in each of as many equal parts of the process as the global batch has rows.
        uniform = (tf.cast(draw.row_numbers(), tf.float32) + draw.uniform()) / draw.total
        t = self.process.training_times(tf.clip_by_value(uniform, 1e-6, 1.0 - 1e-6))
        x, end = self.ends(tf.cast(x, tf.float32), condition, draw)
        condition = self.hidden_at_random(condition, draw)
        x_t, target = self.on_path(x, end, t, draw)
        predicted = self.apply(self.network, x_t, t, condition, draw.training)
        error = tf.reduce_mean(tf.square(predicted - target), list(range(1, x.shape.rank)))
        return error * diffusion_checks.weight(self.process, t, self.prediction, self.weighting)

    def call(self, inputs: Nest, training: bool = False) -> Tensor:
        """Returns the expected data of noisy samples, a dict of `"x"` and `"time"`: what `predict` returns."""
        return self._denoise(inputs["x"], inputs["time"], inputs.get("condition"))

    # What users call. Everything is compiled once and takes any number of rows.

    def denoise(self, x: Tensor, time: Tensor, condition: Tensor | None = None) -> Tensor:
        r"""Returns $\mathbb{E}[x \mid x_t]$, the expected data of noisy samples, on the scale of the data.

        Args:
            x: Noisy samples $x_t$ on the inner scale, shape `(rows, *data_shape)`.
            time: Their times, shape `(rows,)`, or one for all; from 0, where samples are the data, to the process's
                `t_max`, and any deviation of the noise of processes that leave the data as they are.
            condition: Their conditions, where the network is conditional; `None` for none.

        Returns:
            Tensor of the shape of `x`.
        """
        x = shapes.as_rows(x, self.data_shape)
        time = diffusion_checks.check_time(time, len(x), self.process)
        condition = self.checked_condition(condition, len(x))
        return shapes.by_rows(lambda x, c, t: self.as_graph(self._denoise)(x, t, c), x, condition, time)

    def inpaint(
        self,
        x: Tensor,
        mask: Tensor,
        condition: Tensor | None = None,
        seed: int | None = None,
        steps: int | None = None,
        sampler: Any = None,
        guidance: float = 1.0,
    ) -> Tensor:
        """Fills in parts of data so that they fit the rest (Lugmayr et al. 2022, without resampling).

        After each step, what is known is put back with the noise of that time.

        Args:
            x: Data, shape `(rows, *data_shape)`; what stands where `mask` is 0, NaN too, does not matter.
            mask: 1 where `x` is known and 0 where it is not, of the shape of `x`, or with one channel.
            condition: As for `sample`.
            seed: As for `sample`.
            steps: As for `sample`.
            sampler: As for `sample`, but for `"adaptive"`.
            guidance: As for `sample`.

        Returns:
            Tensor of the shape of `x`, equal to it where it is known.

        Raises:
            ValueError: If the mask has another shape, what is known is out of range, the sampler is `"adaptive"`, or
                paths do not lead to independent points.
        """
        diffusion_checks.check_independent(self)
        unknown = 0.0 if self.value_range is None else sum(self.value_range) / 2.0
        x, mask = diffusion_checks.check_known(x, mask, self.data_shape, unknown)
        self._check_scale(x.numpy())
        condition = self.checked_condition(condition, len(x))
        options = self.sampling_options(steps, sampler, guidance, condition)
        diffusion_checks.check_steps_of_its_own(options["sampler"])
        options["seed"], options["call"] = self.sampling_seed(seed)
        return shapes.by_rows(lambda x, c, m: self.as_graph(self._inpaint)(x, m, c, **options), x, condition, mask)

    def signatures(self) -> dict[str, Signature]:
        """What `export` writes: named functions with named inputs. See `keras_dl.runtime.export`."""
        return diffusion_signatures.signatures(self)

    def check_data(self, data: Nest) -> None:
        x, condition = conditions.unpack(data)
        shapes.check_x(x, self.data_shape)
        conditions.check([self.network], condition, len(x))
        self._check_scale(np.asarray(x))

    def check_inputs(self, inputs: Nest) -> None:
        diffusion_checks.check_inputs(self, inputs)

    def get_config(self) -> dict[str, Any]:
        names = ("network", "process")
        parts = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in names}
        names = ("prediction", "weighting", "value_range", "sampler", "steps", "condition_dropout")
        return {**super().get_config(), **parts, **{name: getattr(self, name) for name in names}}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        read = keras.saving.deserialize_keras_object
        return cls(**{**config, **{name: read(config[name]) for name in ("network", "process")}})
