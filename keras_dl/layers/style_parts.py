"""Parts of style-based generators: a learned constant, noise of learned strength, scaled leaky rectifiers."""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_dl.checks import check_count, check_counts, check_flag, check_number, optional, refusal
from keras_dl.layers import _parts
from keras_dl.layers.options import register
from keras_dl.types import Initializer, Shape, Tensor


@register(shape=check_counts, learned=check_flag)
class Constant(keras.layers.Layer):
    """A constant that is the same for all samples: the learned start of a style-based generator (Karras et al., 2019).

    Args:
        shape: Tuple of ints, the shape of a sample.
        learned: Boolean; a constant that is not learned is a buffer, such as fixed noise.
        initializer: Keras initializer; the default draws standard normals, `"ones"` is StyleGAN 1's.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Any tensor, for its number of rows.

    Returns:
        A tensor of shape `(batch, *shape)`.

    Example:

    >>> Constant((4, 4, 8))(keras.ops.ones((3, 2))).shape
    TensorShape([3, 4, 4, 8])
    """

    def __init__(self, shape: Sequence[int], learned: bool = True, initializer: Initializer | None = None, **kwargs):
        super().__init__(**kwargs)
        self.shape = tuple(shape) if isinstance(shape, (list, tuple)) else (shape,)
        self.learned = learned
        normal = keras.initializers.RandomNormal(stddev=1.0)
        self.initializer = normal if initializer is None else keras.initializers.get(initializer)
        self.constant = None

    def build(self, input_shape: Shape) -> None:
        options = {"initializer": self.initializer, "trainable": self.learned}
        self.constant = self.add_weight(name="constant", shape=self.shape, **options)

    def call(self, inputs: Tensor) -> Tensor:
        return ops.broadcast_to(ops.expand_dims(self.constant, 0), (ops.shape(inputs)[0], *self.shape))

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        return (input_shape[0], *self.shape)

    def get_config(self) -> dict[str, Any]:
        initializer = keras.initializers.serialize(self.initializer)
        return {**super().get_config(), "shape": self.shape, "learned": self.learned, "initializer": initializer}


@register(offset=lambda value, name: check_count(value, name, least=0))
class NoiseInjection(keras.layers.Layer):
    """Adds a map of noise to all channels, times one learned strength that starts at 0 (Karras et al., 2020).

    Args:
        offset: Int, where this layer's map begins in the vector that holds the noise of all layers.
        per_channel: Boolean, learn a strength for each channel, as StyleGAN 1 does.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: List `[x, noise]` of tensors `(batch, height, width, channels)` and `(batch, size)`, with
            `size >= offset + height * width`.

    Returns:
        A tensor of the shape of `x`.

    Raises:
        ValueError: If the vector ends before the map does.

    Example:

    >>> layer = NoiseInjection(offset=4)
    >>> layer([keras.ops.ones((2, 4, 4, 3)), keras.ops.ones((2, 20))]).shape
    TensorShape([2, 4, 4, 3])
    """

    def __init__(self, offset: int = 0, per_channel: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.offset = offset
        self.per_channel = per_channel
        self.strength = None

    def build(self, input_shape: Sequence[Shape]) -> None:
        shape, noise = (tuple(one) for one in input_shape)
        _parts.check_rank(shape, "NoiseInjection", (4,))
        if len(noise) != 2 or None in shape[1:] or noise[1] < self.offset + math.prod(shape[1:3]):
            raise refusal(f"The noise should have at least {self.offset} numbers and those of a map", f"{input_shape}")
        size = shape[-1] if self.per_channel else 1
        self.strength = self.add_weight(name="strength", shape=(size,), initializer="zeros")

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        x, noise = inputs
        height, width = x.shape[1:3]
        maps = noise[:, self.offset : self.offset + height * width]
        return x + self.strength * ops.cast(ops.reshape(maps, (-1, height, width, 1)), x.dtype)

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> tuple:
        return tuple(input_shape[0])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "offset": self.offset, "per_channel": self.per_channel}


@register(slope=check_number, clip=optional(check_number), use_bias=check_flag)
class ScaledLeakyReLU(keras.layers.Layer):
    """A leaky rectifier that keeps the variance: `y = sqrt(2) max(x + b, slope (x + b))` (Karras et al., 2020).

    In half precision values are kept within plus and minus `clip`, as StyleGAN 2-ADA does.

    Args:
        slope: Float.
        gain: Float.
        use_bias: Boolean, add a bias b for each channel first.
        clip: Float, or `None`.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of the input's shape.

    Example:

    >>> ScaledLeakyReLU(slope=0.25, gain=2.0)(keras.ops.convert_to_tensor([[-1.0, 2.0]])).numpy().tolist()
    [[-0.5, 4.0]]
    """

    def __init__(
        self, slope: float = 0.2, gain: float = 2**0.5, use_bias: bool = False, clip: float | None = 256.0, **kwargs
    ):
        super().__init__(**kwargs)
        self.slope = slope
        self.gain = gain
        self.use_bias = use_bias
        self.clip = clip
        self.bias = None

    def build(self, input_shape: Shape) -> None:
        if self.use_bias:
            _parts.check_features(input_shape)
            self.bias = self.add_weight(name="bias", shape=(input_shape[-1],), initializer="zeros")

    def call(self, inputs: Tensor) -> Tensor:
        x = inputs + self.bias if self.use_bias else inputs
        x = ops.leaky_relu(x, self.slope) * self.gain
        return ops.clip(x, -self.clip, self.clip) if self.clip and self.compute_dtype == "float16" else x

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        names = ("slope", "gain", "use_bias", "clip")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
