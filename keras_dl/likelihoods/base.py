"""The contract of a likelihood: a network's output tensor in, a distribution over the data out."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import pixels_hint, refusal
from keras_dl.types import Shape, Tensor

MIN_LOG_SCALE = -15.0
MAX_LOG_SCALE = 15.0
_ROWS_PER_CHECK = 1024


class Likelihood(keras.layers.Layer):
    r"""Base class: turns distribution parameters into a distribution over the data.

    `likelihood(parameters)` is a `tfp.distributions.Distribution` whose event is a whole sample, so that its
    `log_prob(x)`, in nats, has one value per sample:

    $$\log p(x) = \sum_d \log p(x_d \mid \theta_d)$$

    The parameters of the values $x_d$ come concatenated on the last axis of one tensor, as networks return them. They
    are cast to float32, whatever the dtype policy: a log-likelihood summed over an image does not fit into half
    precision. A likelihood is a Keras layer only in that it has a name, may own weights (a learned scale) and is saved
    with the model that holds it; calling it goes straight to the distribution.

    A subclass sets `parameters_per_value` and writes `values(parameters)`, the distribution of every value by itself,
    and, if the data are restricted, `check`.

    Args:
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Attributes:
        parameters_per_value: How many parameters a data value needs: data of shape `(..., channels)` need parameters of
            shape `(..., channels * parameters_per_value)`.
        reads: What the parameters are, in words, if they may be any real numbers: a network whose last activation
            gives only some of them is then warned of. `None` if a range may be meant.
        joint_channels: Whether `values` returns one distribution per position, over all its channels at once, and not
            one per channel.
        discrete: Whether `log_prob` is of the probability of levels, and not of a density: only then has it bits.
        of_ranges: Whether `check` takes all finite numbers of an interval: of a stream of data the least and the
            largest are then enough.
    """

    parameters_per_value = 1
    reads: str | None = None
    joint_channels = False
    discrete = False
    of_ranges = False

    def __init__(self, **kwargs):
        # tfp takes more than a second to import: it waits for the first likelihood, but not for a graph to be traced.
        from keras_dl.likelihoods import distributions  # noqa: F401

        super().__init__(**kwargs)
        self.built = True

    def __call__(self, parameters: Tensor, event_rank: int | None = None) -> Any:
        """Returns the distribution over samples.

        Args:
            parameters: Tensor of shape `(batch, ..., channels * parameters_per_value)`, with further axes in front
                of the batch if there are several draws per sample.
            event_rank: How many of the last axes make up one sample. `None` means all but the first.

        Returns:
            A `tfp.distributions.Distribution`. Its batch shape is `parameters.shape[:-event_rank]`, its event shape
            that of a sample.

        Raises:
            ValueError: If the axes are too few, or the last is no multiple of `parameters_per_value`.
        """
        from keras_dl.likelihoods import distributions

        parameters = self._float_parameters(parameters)
        rank = parameters.shape.rank
        event_rank = rank - 1 if event_rank is None else event_rank
        if not 1 <= event_rank <= rank:
            raise refusal(
                "`parameters` should have a batch axis and at least one axis of values, and `event_rank` should count "
                "the axes of a sample",
                f"parameters.shape={tuple(parameters.shape)}, event_rank={event_rank}",
            )
        independent = event_rank - 1 if self.joint_channels else event_rank
        return distributions.Independent(self.values(parameters), reinterpreted_batch_ndims=independent)

    def num_parameters(self, num_channels: int) -> int:
        """Returns how many parameters data of `num_channels` channels need at each position.

        Args:
            num_channels: Size of the data's last axis.
        """
        return num_channels * self.parameters_per_value

    def check_parameters(self, shape: Shape | None, parameters: Shape | None) -> None:
        """Checks that the output of a decoder holds the parameters of data, as far as sizes are known.

        Args:
            shape: Shape of a sample, without the batch axis; `None`, for it or for a size, where it is not known.
            parameters: Shape of the decoder's output, likewise.

        Raises:
            ValueError: If it is another than that of the parameters.
        """
        if shape is None or parameters is None:
            return
        expected = (*shape[:-1], shape[-1] and self.num_parameters(shape[-1]))
        sizes = zip(expected, parameters, strict=False)
        if len(expected) != len(parameters) or any(size not in (None, given) for size, given in sizes):
            raise refusal(
                f"decoder should return the parameters of a {type(self).__name__} for data of shape {shape}: "
                f"shape {expected}",
                parameters,
            )

    def values(self, parameters: Tensor) -> Any:
        """Returns the distribution of the single values, of batch shape `(..., channels)` and scalar events.

        Args:
            parameters: Float32 tensor of shape `(..., channels * parameters_per_value)`.
        """
        raise NotImplementedError(f"{type(self).__name__} should write `values(parameters)`.")

    def mean(self, parameters: Tensor) -> Tensor:
        """Returns the expected data, what a reconstruction shows, of shape `(..., channels)`."""
        return self.values(self._float_parameters(parameters)).mean()

    def mode(self, parameters: Tensor) -> Tensor:
        """Returns the most likely data, of shape `(..., channels)`."""
        return self.values(self._float_parameters(parameters)).mode()

    def check(self, x: Tensor, name: str = "x") -> None:
        """Checks on the host that an array can be data of this likelihood.

        Args:
            x: Array of data, of any shape.
            name: What error messages call it.

        Raises:
            TypeError: If `x` does not hold real numbers.
            ValueError: If `x` is empty, holds NaN or infinity, or values outside the likelihood's support.
        """
        real_array(x, name)

    def _in_words(self):
        options = {name: v for name, v in self.get_config().items() if name not in ("name", "trainable", "dtype")}
        return f"{type(self).__name__}({', '.join(f'{name}={v!r}' for name, v in options.items())})"

    def _float_parameters(self, parameters):
        parameters = tf.cast(tf.convert_to_tensor(parameters), tf.float32)
        size = parameters.shape[-1] if parameters.shape.rank else 0
        if size is not None and (size == 0 or size % self.parameters_per_value):
            raise refusal(
                f"The last axis of `parameters` should be a multiple of {self.parameters_per_value}, as many as a "
                f"value needs under {self._in_words()}",
                f"parameters.shape={tuple(parameters.shape)}",
            )
        return parameters


def real_array(x, name, low=-np.inf, high=np.inf):
    """Returns `x` as a NumPy array after checking that it holds finite real numbers in `[low, high]`.

    Args:
        x: Array or nested list.
        name: What error messages call it.
        low: Smallest value allowed.
        high: Largest value allowed.

    Returns:
        The array, not copied if `x` is one already.

    Raises:
        TypeError: If `x` does not hold real numbers.
        ValueError: If `x` is empty, holds NaN or infinity, or leaves the range.
    """
    x = np.asarray(x)
    is_extension_float = x.dtype.kind == "V" and x.dtype.name == "bfloat16"
    if x.dtype.kind not in "buif" and not is_extension_float:
        raise refusal(f"`{name}` should hold real numbers", f"{name}.dtype={x.dtype}", error=TypeError)
    if x.size == 0:
        raise refusal(f"`{name}` should not be empty", f"{name}.shape={x.shape}")
    smallest, largest = float(x.min()), float(x.max())
    if not (np.isfinite(smallest) and np.isfinite(largest)):
        raise refusal(f"`{name}` should be finite", f"minimum {smallest}, maximum {largest}")
    if smallest < low or largest > high:
        hint = pixels_hint(largest) if high == 1 else ""
        raise refusal(f"`{name}` should lie in [{low}, {high}]{hint}", f"minimum {smallest}, maximum {largest}")
    return x


def check_grid(x, name, num_levels, owner):
    """Refuses an array whose values are not on the grid `k / (num_levels - 1)` in [0, 1].

    Args:
        x: Array or nested list.
        name: What error messages call it.
        num_levels: Number of levels.
        owner: Whose grid it is, for messages.

    Raises:
        TypeError: If `x` does not hold real numbers.
        ValueError: If `x` is empty or a value is off the grid.
    """
    steps = num_levels - 1
    x = real_array(x, name, low=0.0, high=1.0)
    tolerance = max(1e-3, 2e-7 * steps) if x.dtype.itemsize >= 4 else 0.1
    rows = x.reshape(len(x), -1) if x.ndim else x.reshape(1, 1)
    for start in range(0, len(rows), _ROWS_PER_CHECK):
        levels = rows[start : start + _ROWS_PER_CHECK].astype("float32") * steps
        distance = np.abs(levels - np.rint(levels)).max()
        if distance > tolerance:
            raise refusal(
                f"`{name}` should lie on the grid k / {steps}, k = 0 ... {steps}, of {owner}",
                f"a value {distance:.3g} levels off the grid",
            )


def split_loc_and_scale(parameters):
    """Splits `[loc, log_scale]` on the last axis and bounds the log scale.

    Log scales are clipped to `[-15, 15]`, scales of 3e-7 to 3e6, so that densities, KL divergences and their gradients
    stay finite in float32. Outside that range the gradient of a log scale is zero.

    Args:
        parameters: Float32 tensor of shape `(..., 2 * channels)`.

    Returns:
        `(loc, log_scale)`, each of shape `(..., channels)`.
    """
    loc, log_scale = tf.split(parameters, 2, axis=-1)
    return loc, clip_log_scale(log_scale)


def clip_log_scale(log_scale):
    """Returns `log_scale` clipped to `[-15, 15]`."""
    return tf.clip_by_value(log_scale, MIN_LOG_SCALE, MAX_LOG_SCALE)
