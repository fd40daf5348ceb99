"""Diffusion transformer."""

import keras

from keras_dl.checks import check_count, check_shape, refusal
from keras_dl.layers import FiLM, PositionEmbedding
from keras_dl.networks import denoising
from keras_dl.networks.registry import register
from keras_dl.types import Shape

FREQUENCIES = 256


@register()
def dit(
    data_shape: Shape,
    patch_size: int = 2,
    width: int = 128,
    num_blocks: int = 6,
    num_heads: int = 4,
    mlp_ratio: int = 4,
    num_classes: int | None = None,
    condition_shape: Shape | None = None,
    name: str = "dit",
) -> keras.Model:
    r"""Builds a diffusion transformer with adaptive layer normalisation (Peebles & Xie 2023: DiT, adaLN-Zero).

    Patches become vectors, to which fixed sines of their places are added. In each block features of time and
    condition scale, shift and gate attention over all patches and a dense part; gates start at zero, so that each block
    starts as the identity. The last layer, which also starts at zero, gives the pixels of the patches.

    | size | `width` | `num_blocks` | `num_heads` | published weights, patches of 2 |
    |---|---|---|---|---|
    | S | 384 | 12 | 6 | 33 M |
    | B | 768 | 12 | 12 | 130 M |
    | L | 1024 | 24 | 16 | 458 M |
    | XL | 1152 | 28 | 16 | 675 M |

    Args:
        data_shape: Shape of an image, `(height, width, channels)`.
        patch_size: Side of a patch; the image's sides are multiples of it.
        width: Features of a patch, a multiple of 4 and of `num_heads`.
        num_blocks: Number of blocks.
        num_heads: Heads of attention.
        mlp_ratio: Units of the dense part, as a multiple of `width`.
        num_classes: For labels as condition: the number of classes.
        condition_shape: For vectors as condition: their shape.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from `{"x": (batch, *data_shape), "time": (batch,)}`, with `"condition"` if it is
        conditional, to `(batch, *data_shape)`, float32.

    Raises:
        ValueError: If sizes are not positive integers or do not divide as they should, or both kinds of condition are
            asked for.

    Example:

    >>> network = dit((8, 8, 1), width=16, num_blocks=1, num_heads=2)
    >>> network({"x": keras.ops.zeros((3, 8, 8, 1)), "time": keras.ops.zeros(3)}).shape
    TensorShape([3, 8, 8, 1])
    """
    shape = check_shape(data_shape, "data_shape", rank=3)
    patch_size, width, num_heads = _checked_sizes(shape, patch_size, width, num_heads)
    inputs, x, time, condition = denoising.inputs(shape, num_classes, condition_shape)
    features = keras.layers.Activation("silu", name="features_silu")(
        denoising.embedding(time, condition, width, features=FREQUENCIES)
    )
    rows, columns = shape[0] // patch_size, shape[1] // patch_size
    h = keras.layers.Conv2D(width, patch_size, strides=patch_size, name="patches")(x)
    h = keras.layers.Reshape((rows * columns, width), name="tokens")(PositionEmbedding(name="places")(h))
    parts = Blocks(features, num_heads, check_count(mlp_ratio, "mlp_ratio"))
    for number in range(1, check_count(num_blocks, "num_blocks") + 1):
        h = parts.block(h, f"block_{number}")
    h = parts.modulated(h, "last")
    options = {"kernel_initializer": "zeros", "dtype": "float32", "name": "pixels"}
    h = keras.layers.Dense(patch_size**2 * shape[-1], **options)(h)
    h = keras.layers.Reshape((rows, columns, patch_size, patch_size, shape[-1]), name="unfold", dtype="float32")(h)
    h = keras.layers.Permute((1, 3, 2, 4, 5), name="in_order", dtype="float32")(h)
    return keras.Model(inputs, keras.layers.Reshape(shape, name="prediction", dtype="float32")(h), name=name)


class Blocks:
    """The blocks of one network, which share features of time and condition.

    Args:
        features: Tensor of shape `(batch, width)`.
        num_heads: Heads of attention.
        mlp_ratio: Units of the dense part, as a multiple of the width.
    """

    def __init__(self, features, num_heads, mlp_ratio):
        self.features, self.num_heads, self.mlp_ratio = features, num_heads, mlp_ratio

    def modulated(self, h, name):
        """Normalised features, scaled and shifted."""
        norm = keras.layers.LayerNormalization(center=False, scale=False, epsilon=1e-6, name=f"{name}_norm")
        return FiLM(kernel_initializer="zeros", name=f"{name}_film")([norm(h), self.features])

    def added(self, h, branch, name):
        """A branch through its gate, which starts at zero."""
        width = h.shape[-1]
        gate = keras.layers.Dense(width, kernel_initializer="zeros", name=f"{name}_gate")(self.features)
        gate = keras.layers.Reshape((1, width), name=f"{name}_gate_row")(gate)
        return keras.layers.Add(name=f"{name}_add")([h, keras.layers.Multiply(name=f"{name}_gated")([branch, gate])])

    def block(self, h, name):
        width = h.shape[-1]
        rows = self.modulated(h, f"{name}_attention")
        attention = keras.layers.MultiHeadAttention(self.num_heads, width // self.num_heads, name=f"{name}_attention")
        h = self.added(h, attention(rows, rows), f"{name}_attention")
        inner = self.modulated(h, f"{name}_mlp")
        inner = keras.layers.Dense(self.mlp_ratio * width, name=f"{name}_mlp_hidden")(inner)
        inner = keras.layers.Activation("gelu", name=f"{name}_mlp_gelu")(inner)
        return self.added(h, keras.layers.Dense(width, name=f"{name}_mlp_outputs")(inner), f"{name}_mlp")


def _checked_sizes(shape, patch_size, width, num_heads):
    patch_size, width = check_count(patch_size, "patch_size"), check_count(width, "width")
    num_heads = check_count(num_heads, "num_heads")
    if any(side % patch_size for side in shape[:2]):
        raise refusal(f"`data_shape` should have sides that are multiples of {patch_size}", data_shape=shape)
    if width % 4 or width % num_heads:
        raise refusal(f"`width` should be a multiple of 4 and of the {num_heads} heads", width=width)
    return patch_size, width, num_heads
