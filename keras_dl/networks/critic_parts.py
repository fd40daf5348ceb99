"""Parts shared by critics: linear layers with or without spectral normalization, scores, and inputs of a condition."""

import keras
from keras.initializers import glorot_uniform

from keras_dl import layers
from keras_dl.checks import check_count, refusal

SLOPE = 0.2  # of leaky rectifiers in critics (Radford et al. 2016)


def dense(units, spectral_norm, name, **options):
    """Makes a dense layer."""
    layer = layers.SpectralNormDense if spectral_norm else keras.layers.Dense
    return layer(units, name=name, **options)


def conv(filters, kernel_size, spectral_norm, name, **options):
    """Makes a convolution with "same" padding."""
    layer = layers.SpectralNormConv2D if spectral_norm else keras.layers.Conv2D
    return layer(filters, kernel_size, padding="same", name=name, **options)


def normalize(x, normalization, name):
    """Applies a normalization: `"batch"`, `"synchronized"` (over all replicas), `"layer"` (a whole sample), or none."""
    if normalization in ("batch", "synchronized"):
        synchronized = normalization == "synchronized"
        return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, synchronized=synchronized, name=name)(x)
    if normalization == "layer":
        return layers.GroupNormalization(groups=1, epsilon=1e-5, name=name)(x)
    return x


def check_normalization(normalization):
    """Refuses a normalization that `normalize` does not know."""
    if normalization not in ("batch", "synchronized", "layer", None):
        known = '"batch", "synchronized", "layer" or None'
        raise refusal(f"`normalization` should be {known}", normalization=normalization)


def check_projection(projection, condition, num_outputs):
    """Refuses a projection without a condition, or of several outputs."""
    if projection and (condition is None or num_outputs != 1):
        raise refusal(
            "`projection` needs a condition (`num_classes` or `condition_shape`) and one output",
            f"num_outputs={num_outputs}, condition={(None if condition is None else tuple(condition.shape))}",
        )


def score(features, condition, num_outputs=1, projection=False, spectral_norm=False, initializer=glorot_uniform):
    r"""Applies the last layers of a critic: features $h$ to scores, linear, `(batch, num_outputs)`.

    With projection, $f(x, y) = w^\top h + b + y^\top V h$ (Miyato & Koyama 2018, "cGANs with projection
    discriminator", equation 3).

    Args:
        features: Tensor of shape `(batch, size)`.
        condition: Vectors of shape `(batch, condition_size)`, or `None`.
        num_outputs: Number of scores.
        projection: Whether the condition is projected on the features.
        spectral_norm: Whether the layers are divided by their largest singular values.
        initializer: Function that makes an initializer for each kernel (one shared by two would start both alike).
    """
    num_outputs = check_count(num_outputs, "num_outputs")
    check_projection(projection, condition, num_outputs)
    scores = dense(num_outputs, spectral_norm, "score", kernel_initializer=initializer())(features)
    if not projection:
        return scores
    embedding = dense(features.shape[-1], spectral_norm, "embedding", use_bias=False, kernel_initializer=initializer())
    projected = keras.layers.Dot(1, name="projection")([embedding(condition), features])
    return keras.layers.Add(name="projected_score")([scores, projected])


def concatenate_maps(x, condition):
    """Returns images with the condition's vectors, if there are any, as constant maps behind their channels."""
    if condition is None:
        return x
    height, width = x.shape[1:3]
    maps = keras.layers.RepeatVector(height * width, name="repeated_condition")(condition)
    maps = keras.layers.Reshape((height, width, condition.shape[-1]), name="condition_maps")(maps)
    return keras.layers.Concatenate(name="with_condition")([x, maps])


def halvings(size, smallest):
    """How often an image's sides can be halved until the shorter would fall below `smallest`, or one is odd.

    Example:

    >>> halvings((64, 64), 4), halvings((28, 28), 4)
    (4, 2)
    """
    count, sides = 0, list(size)
    while all(side % 2 == 0 for side in sides) and min(sides) // 2 >= smallest:
        sides, count = [side // 2 for side in sides], count + 1
    return count


def some_halvings(shape, smallest, name):
    """`halvings` of an image of this shape, or a `ValueError` that calls it `name` if there are none."""
    count = halvings(shape[:2], check_count(smallest, "smallest_size"))
    if not count:
        raise refusal(f"`{name}` should have even sides of at least {2 * smallest}", f"{name}={shape}")
    return count
